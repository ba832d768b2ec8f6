"""Adapter folders as files: whether one is whole and still what it was, how large, and what a killed worker left.

A full finetuning leaves a whole model in the same place, as transformers loads it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from engine.errors import ResumeError
from engine.events import AdapterTrained

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
FULL_WEIGHTS = "model.safetensors"
FULL_CONFIG = "config.json"
ROOM = 3
"""Sizes of the largest adapter so far that a training may need: the new one, its temporary twin, and the journal."""


def is_full(folder: Path) -> bool:
    """Whether the folder holds all weights of a model."""
    return (folder / FULL_WEIGHTS).exists() or (folder / FULL_CONFIG).exists()


def weights_file(folder: Path) -> Path:
    """Where the folder's weights are, or would be."""
    return folder / (FULL_WEIGHTS if is_full(folder) else WEIGHTS)


def partial_folder(output: Path) -> Path:
    """Where an adapter is written before it gets its name."""
    return output.with_name(f".{output.name}.partial")


def clear_partial(folder: Path) -> None:
    """Remove what a killed worker left half written in a run folder."""
    for partial in folder.glob("cycles/*/.*.partial"):
        shutil.rmtree(partial, ignore_errors=True)


def room_for_next(adapters: Iterable[Path]) -> int:
    """Bytes that a training after these adapters may need on the disk; 0 before the first."""
    sizes = [weights.stat().st_size for adapter in adapters if (weights := weights_file(adapter)).is_file()]
    return ROOM * max(sizes, default=0)


def check_adapter(folder: Path, trained: AdapterTrained) -> None:
    """Raise ResumeError, in one line, for an adapter that is gone, cut short, or no longer what was trained."""
    config = FULL_CONFIG if is_full(folder) else CONFIG
    hashes = {weights_file(folder).name: trained.adapter_sha256, config: trained.config_sha256}
    for path, digest in ((folder / name, digest) for name, digest in hashes.items() if digest):
        if not path.exists():
            raise ResumeError(
                f"{path} is gone: the adapter of cycle {trained.cycle} is needed to go on; "
                "restore it, or start a new run (--again)."
            )
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ResumeError(
                f"{path} {_how_changed(content)} since cycle {trained.cycle} was trained; "
                "restore it, or start a new run (--again)."
            )


def _how_changed(content: bytes) -> str:
    whole = _promised_size(content)
    if whole is not None and len(content) < whole:
        return f"was cut to {len(content)} of {whole} bytes"
    return "changed"


def _promised_size(content: bytes) -> int | None:
    """The size that a safetensors header promises; None where it is no such header, or is itself cut off."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= 100_000_000:
        return None
    if len(content) < 8 + length:
        return 8 + length
    try:
        header = json.loads(content[8 : 8 + length])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return 8 + length + max(ends, default=0)
