"""What a training sharded over several devices could be built on: our own trainer on frozen layers that FSDP2 shards.

The product does not do this yet (docs/gpu.md); that it can, with the same bytes as one process, is what this shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROCESSES = 2
START = """
import runpy, torch
torch.inference_mode = torch.no_grad
runpy.run_module("tests.proofs.sharded", run_name="__main__", alter_sys=True)
"""
"""Buffers that FSDP2 gathers into inside inference mode cannot be written to outside of it."""


def together(folder: Path, world: int) -> list[dict[str, Any]]:
    """What each of `world` processes says."""
    places = [folder / f"{world}-{rank}" for rank in range(world)]
    started = []
    for rank, place in enumerate(places):
        place.mkdir()
        line = [sys.executable, "-c", START, str(rank), str(world), str(folder / "store"), str(place)]
        started.append(subprocess.Popen(line, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE))
    try:
        said = [process.communicate(timeout=120)[1].decode() for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * world, said
    return [json.loads((place / "told.json").read_text()) for place in places]


@pytest.mark.proof
def test_sharded_layers_train_draw_measure_and_judge_to_the_same_bytes(tmp_path: Path) -> None:
    (whole,) = together(tmp_path, 1)
    shards = together(tmp_path, PROCESSES)
    held = whole.pop("held")
    for shard in shards:
        assert shard.pop("held") < 0.65 * held
        assert shard == whole
