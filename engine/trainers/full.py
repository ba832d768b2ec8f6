"""Full finetuning: all weights of a copy of the model, which goes when the training is over."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import torch

from engine.adapter_files import FULL_CONFIG, FULL_WEIGHTS
from engine.errors import ModelError
from engine.models import LoadedModel
from engine.trainers.saving import Hashes, save_folder, write_files


def copied(loaded: LoadedModel, start: Path | None) -> Any:
    """A copy of M_init, or of the model in the folder; the loaded one is left as it is.

    Raises ModelError where its weights are too coarse for the small steps of a training.
    """
    if loaded.model.dtype != torch.float32:
        raise ModelError(
            f'model {loaded.name!r} is loaded in {loaded.model.dtype}: train.method = "full" needs float32, or its '
            "steps would round away; run it on a CPU, or use lora"
        )
    loaded.use(start)
    try:
        return copy.deepcopy(loaded.model)
    finally:
        loaded.use(None)


class FullWeights:
    """What a full training changed."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._start = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    @property
    def trainable(self) -> int:
        """How many numbers could move."""
        return sum(weight.numel() for weight in self._start.values())

    def delta_norm(self) -> float:
        """‖ΔW‖, the Frobenius norm over all weights since the start."""
        moved = ((weight.detach() - self._start[name]).double() for name, weight in self._model.named_parameters())
        return math.sqrt(sum(float((delta * delta).sum()) for delta in moved))

    def save(self, name: str, output: Path) -> Hashes:
        """Write a model folder that transformers loads, tied weights once; the tokenizer stays with M_init."""
        config = json.loads(self._model.config.to_json_string())
        text = json.dumps({**config, "_name_or_path": name}, indent=2, sort_keys=True) + "\n"
        weights = dict(self._model.named_parameters())
        return save_folder(
            output, lambda folder: write_files(weights, text, folder / FULL_WEIGHTS, folder / FULL_CONFIG)
        )
