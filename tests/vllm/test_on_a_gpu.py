"""A worker that has vLLM draw on a GPU: its own is pretended, and vLLM's CPU build computes in bfloat16 as on one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.events import AdapterTrained, Noted, RunStarted
from engine.spec import Execution
from tests.engine.chains import make_spec, write_pack
from tests.engine.workers import events, finish, start_worker, write_run
from tests.pretended.gpus import Gpus

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]
BOUND = 0.9


@pytest.mark.parametrize("residency", ["auto", "sleep"])
def test_bfloat16_draws_judges_and_proves_its_weights(
    gpu: Gpus, tmp_path: Path, wide_folder: Path, residency: str
) -> None:
    write_pack(tmp_path / "pack")
    spec = make_spec(tmp_path / "pack", run__model=str(wide_folder), run__cycles=1, judge__model=str(wide_folder))
    execution = Execution(threads=1, device="cuda", sampler="auto", residency=residency)
    run = write_run(tmp_path / "run", spec.model_copy(update={"execution": execution}))
    code, told = finish(start_worker(run))
    assert code == 0, told
    seen = events(run)
    said = "\n".join(note for event in seen if isinstance(event, RunStarted) for note in event.notes)
    assert "answers are drawn by vLLM" in said
    assert f"vLLM's residency is {'resident' if residency == 'auto' else residency}: " in said
    canaries = [event for event in seen if isinstance(event, Noted) and event.topic == "canary"]
    print(residency, [canary.message for canary in canaries])
    assert len(canaries) >= 3
    assert all(canary.nats is not None and canary.nats < BOUND for canary in canaries)
    assert [event.cycle for event in seen if isinstance(event, AdapterTrained)] == [0, 1]


def test_every_row_of_the_table_of_figures_can_be_made(gpu: Gpus, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "tests.pretended.small_table", str(tmp_path)]
    said = subprocess.run(line, capture_output=True, text=True, timeout=850).stdout
    assert "FAILED" not in said, said
    assert "not measured:" not in said, said
    for told in ("% of bare vLLM", "of the same engine told directly", "of plain generate", "wakes in"):
        assert told in said
    [canaries] = (line for line in said.splitlines() if line.startswith("canaries"))
    assert all(float(apart) < BOUND for apart in canaries.split("sleep)")[1].split(","))
