"""Puts trained weights on the disk: complete and durable, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.adapter_files import partial_folder
from engine.disk import naming_full_disk, sync_file, sync_folder
from engine.errors import DiskFullError
from engine.model_files import file_sha256

Hashes = tuple[str, str]
"""sha256 of the weights and of the config."""


def save_folder(output: Path, write: Callable[[Path], Hashes]) -> Hashes:
    """Have a new folder written and put in its place; DiskFullError where there is no room, leaving nothing behind."""
    partial = partial_folder(output)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with naming_full_disk(output):
            partial.mkdir(parents=True)
            hashes = write(partial)
            shutil.rmtree(output, ignore_errors=True)
            os.replace(partial, output)  # noqa: PTH105
            sync_folder(output.parent)
    except DiskFullError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return hashes


def write_files(weights: Mapping[str, torch.Tensor], config: str, weights_file: Path, config_file: Path) -> Hashes:
    """Both files, the same bytes whenever the weights are."""
    ordered = {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}
    save_file(ordered, weights_file, metadata={"format": "pt"})
    config_file.write_text(config, "utf-8")
    for file in (weights_file, config_file):
        sync_file(file)
    sync_folder(weights_file.parent)
    return file_sha256(weights_file), file_sha256(config_file)
