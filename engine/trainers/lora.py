"""Adapters as weights: made, loaded, measured, and saved as ordinary PEFT folders."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer

from engine.adapter_files import CONFIG, WEIGHTS
from engine.models import LoadedModel
from engine.spec import TrainSettings
from engine.trainers.saving import Hashes, save_folder, write_files

ADAPTER = "default"
Pair = tuple[torch.Tensor, torch.Tensor, float]


def attach(loaded: LoadedModel, start: Path | None, settings: TrainSettings) -> PeftModel:
    """The base model with one trainable adapter: fresh (B = 0, so still M_init) or the folder's, to be continued.

    A fresh one takes its A from torch's global generator, which the caller seeds.
    """
    loaded.use(None)
    if start is not None:
        return PeftModel.from_pretrained(loaded.model, str(start), is_trainable=True)
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(loaded.model, config)


def factors(model: PeftModel) -> dict[str, Pair]:
    """Copies of A, B and the scale of every adapted layer."""
    pairs: dict[str, Pair] = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer) and ADAPTER in module.lora_A:
            layer: Any = module
            a, b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
            pairs[name] = (a.detach().clone(), b.detach().clone(), float(layer.scaling[ADAPTER]))
    return pairs


def delta_norm(before: dict[str, Pair], after: dict[str, Pair]) -> float:
    """‖Δ(s·B·A)‖, the Frobenius norm over all layers, without forming any product of full size.

    Δ(BA) = ΔB·A₁ + B₀·ΔA = U·V with inner dimension 2r, and ‖UV‖² = Σ (UᵀU) ∘ (VVᵀ). Exactly 0 when nothing moved.
    """
    total = 0.0
    for name, (a0, b0, scale) in before.items():
        a1, b1, _ = after[name]
        a0, b0, a1, b1 = a0.double(), b0.double(), a1.double(), b1.double()
        u = torch.cat([b1 - b0, b0], 1)
        v = torch.cat([a1, a1 - a0], 0)
        total += scale * scale * float(((u.T @ u) * (v @ v.T)).sum())
    return math.sqrt(max(0.0, total))


def save_adapter(model: PeftModel, name: str, output: Path) -> Hashes:
    """Write the adapter's folder; `name` is recorded as the base model.

    Raises DiskFullError where there is no room, leaving nothing behind.
    """
    return save_folder(output, lambda folder: _write(model, name, folder))


def _write(model: PeftModel, name: str, folder: Path) -> Hashes:
    state = get_peft_model_state_dict(model, adapter_name=ADAPTER, save_embedding_layers=False)
    config = json.dumps(_config(model, name), indent=2, sort_keys=True) + "\n"
    return write_files(state, config, folder / WEIGHTS, folder / CONFIG)


def _config(model: PeftModel, name: str) -> dict[str, Any]:
    config: dict[str, Any] = model.peft_config[ADAPTER].to_dict()
    config.update(base_model_name_or_path=name, inference_mode=True)
    return {key: _plain(value) for key, value in config.items()}


def _plain(value: Any) -> Any:
    """JSON's own types, sets in a fixed order."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sorted(value)
    if isinstance(value, str):
        return str(getattr(value, "value", value))
    return value


class LoraWeights:
    """What an adapter's training changed."""

    def __init__(self, model: PeftModel) -> None:
        self._model, self._start = model, factors(model)

    @property
    def trainable(self) -> int:
        """How many numbers could move."""
        return sum(a.numel() + b.numel() for a, b, _ in self._start.values())

    def delta_norm(self) -> float:
        """‖Δ(s·B·A)‖ since the start."""
        return delta_norm(self._start, factors(self._model))

    def save(self, name: str, output: Path) -> Hashes:
        """Write the adapter's folder."""
        return save_adapter(self._model, name, output)


def rank_notes(model: PeftModel, settings: TrainSettings) -> tuple[str, ...]:
    """Where a continued adapter is not of the rank that the settings say."""
    config: Any = model.peft_config[ADAPTER]
    if config.r == settings.lora_rank:
        return ()
    return (f"continues an adapter of rank {config.r}; the settings say {settings.lora_rank}",)
