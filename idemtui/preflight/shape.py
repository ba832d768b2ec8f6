"""How large a model is, read from its folder's config and the heads of its safetensors: no weight is loaded."""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.model_files import snapshot

NAMED = re.compile(r"(\d+(?:\.\d+)?)\s*([BM])(?![a-z])", re.IGNORECASE)
"""A size in a model's name: `Qwen3-4B`."""
UNTRAINED = ("embed", "lm_head", "norm")


@dataclass(frozen=True)
class Shape:
    """A model in figures; those of layers are 0 where only its name is known."""

    parameters: int
    linear_ends: int = 0
    """Sum of inputs and outputs of all linear layers: LoRA parameters for each rank."""
    hidden: int = 0
    layers: int = 0
    vocabulary: int = 0
    key_values: int = 0
    """Numbers that the cache keeps for each token and layer."""
    by_name: bool = False


def shape_of(model: str) -> Shape | None:
    """The model's shape; of one that is not here its size by name, None where the name says nothing."""
    folder = snapshot(model)
    if folder is None:
        return _named(model)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config = config.get("text_config", config)
    tensors = [shape for file in sorted(folder.glob("*.safetensors")) for shape in _heads(file)]
    linear = [sum(shape) for name, shape in tensors if len(shape) == 2 and not any(word in name for word in UNTRAINED)]
    hidden, heads = int(config.get("hidden_size", 0)), int(config.get("num_attention_heads", 1))
    head = int(config.get("head_dim") or hidden // heads)
    return Shape(
        parameters=sum(math.prod(shape) for _, shape in tensors),
        linear_ends=sum(linear),
        hidden=hidden,
        layers=int(config.get("num_hidden_layers", 0)),
        vocabulary=int(config.get("vocab_size", 0)),
        key_values=2 * int(config.get("num_key_value_heads", heads)) * head,
    )


def _named(model: str) -> Shape | None:
    found = NAMED.search(model.rsplit("/", 1)[-1])
    if found is None:
        return None
    unit = 1e9 if found[2].upper() == "B" else 1e6
    return Shape(int(float(found[1]) * unit), by_name=True)


def _heads(file: Path) -> list[tuple[str, list[int]]]:
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        head: dict[str, Any] = json.loads(opened.read(length))
    return [(name, entry["shape"]) for name, entry in head.items() if name != "__metadata__"]
