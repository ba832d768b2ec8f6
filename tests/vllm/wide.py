"""The pocket models with wider heads: vLLM's CPU attention knows head sizes of 32, 64, … and theirs is 40.

The same function in other weights: each half of a head is padded with zeros from 20 to 32 numbers, and what that
changes (rotary frequencies, the mean in q's and k's norm, the scale of attention) is put back in config and norms.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engine.model_files import resolve_model

WIDE = 64


def widen(name: str, folder: Path) -> Path:
    """Write the pocket model `name` with heads of 64 numbers; returns the folder."""
    source = Path(resolve_model(name))
    shutil.copytree(source, folder)
    config = json.loads((source / "config.json").read_text())
    narrow = config["head_dim"]
    rope = config["rope_parameters"]
    rope["rope_theta"] = float(rope["rope_theta"] ** (WIDE / narrow))
    (folder / "config.json").write_text(json.dumps({**config, "head_dim": WIDE, "rope_parameters": rope}))
    weights = load_file(source / "model.safetensors")
    save_file({key: _wide(key, weight, narrow) for key, weight in weights.items()}, folder / "model.safetensors")
    return folder


def _wide(key: str, weight: torch.Tensor, narrow: int) -> torch.Tensor:
    weight = weight.float()
    if key.endswith(("q_norm.weight", "k_norm.weight")):
        mean = math.sqrt(narrow / WIDE)
        scale = mean * math.sqrt(WIDE / narrow) if "q_norm" in key else mean
        return _padded(weight * scale, narrow)
    if key.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
        return _padded(weight, narrow)
    if key.endswith("o_proj.weight"):
        return _padded(weight.T, narrow).T.contiguous()
    return weight.contiguous()


def _padded(weight: torch.Tensor, narrow: int) -> torch.Tensor:
    """Zeros after each half of every head along the first dimension."""
    halves = weight.reshape(-1, narrow // 2, *weight.shape[1:])
    zeros = weight.new_zeros(halves.shape[0], (WIDE - narrow) // 2, *weight.shape[1:])
    return torch.cat([halves, zeros], 1).flatten(0, 1).contiguous()
