"""One model on a GPU: the tests that need one, the memory that trainings take, the table of figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pretended.gpus import Gpus

pytestmark = pytest.mark.proof


def run(gpus: Gpus, *words: str) -> str:
    """What Python prints with these words on such a machine."""
    line = [sys.executable, *words]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, **gpus.environment}, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_that_need_a_gpu_pass(gpus: Gpus, tmp_path: Path) -> None:
    said = run(gpus, "-m", "pytest", "-v", "-m", "gpu", f"--basetemp={tmp_path / 'inner'}", "tests/engine/test_gpu.py")
    assert " 6 passed in " in said
    assert "skipped" not in said


def test_trainings_take_at_most_what_was_estimated(gpus: Gpus, tmp_path: Path) -> None:
    weights, *trainings = map(json.loads, run(gpus, "-m", "tests.pretended.peaks", str(tmp_path)).splitlines())
    assert 1 <= weights["weights"] / weights["estimate"] < 1.01
    assert len(trainings) == 4
    for training in trainings:
        assert 1 <= training["estimate"] / training["peak"] < 1.7, training
    for recomputed, kept in zip(trainings[::2], trainings[1::2], strict=True):
        assert recomputed["peak"] < 0.5 * kept["peak"]


def test_every_row_of_the_table_that_needs_no_vllm_can_be_made(gpus: Gpus, tmp_path: Path) -> None:
    said = run(gpus, "-m", "tests.pretended.small_table", str(tmp_path))
    assert "FAILED" not in said, said
    assert "Pretended GPU" in said
    for row in ("activations kept", "checkpointed", "exact integer judging", "transformers sampler", "one SFT cycle"):
        [value] = (line for line in said.splitlines() if row in line and "vLLM" not in line)
        assert "not measured:" not in value
    assert "GPU busy 60.0%" in said
