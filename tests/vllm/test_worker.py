"""A real worker that draws through vLLM: killed without warning it leaves nothing behind, and goes on to the end."""

import os
import signal

import psutil
import pytest

from engine.events import AdapterTrained, Noted, RunStarted, SamplesDrawn
from engine.score_events import SamplesJudged
from engine.spec import Execution
from tests.engine.chains import make_spec, write_pack
from tests.engine.workers import events, start_worker, wait_until, write_run

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]


@pytest.fixture
def run(tmp_path, wide_folder):
    write_pack(tmp_path / "pack")
    spec = make_spec(tmp_path / "pack", run__model=str(wide_folder), run__cycles=0, judge__model=str(wide_folder))
    execution = Execution(threads=1, sampler="vllm", residency="exit")
    return write_run(tmp_path / "run", spec.model_copy(update={"execution": execution}))


def of(folder, kind):
    return [event for event in events(folder) if isinstance(event, kind)]


def test_killed_it_leaves_no_vllm_and_resumed_it_ends(run):
    worker = start_worker(run)
    wait_until(run, lambda seen: any(isinstance(event, SamplesDrawn) for event in seen), worker)
    serving = psutil.Process(worker.pid).children(recursive=True)
    assert any("engine.vllm.main" in child.cmdline() for child in serving)
    drawn = of(run, SamplesDrawn)
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    _, alive = psutil.wait_procs(serving, timeout=60)
    assert not alive

    worker = start_worker(run)
    _, said = worker.communicate()
    assert worker.returncode == 0, said
    assert of(run, SamplesDrawn)[: len(drawn)] == drawn
    assert [event.cycle for event in of(run, AdapterTrained)] == [0]
    notes = of(run, RunStarted)[-1].notes
    assert any(note.startswith("answers are drawn by vLLM") for note in notes)
    assert any(note.startswith("vLLM's residency is exit") for note in notes)
    assert any("another batch or device may draw other answers" in note for note in notes)
    canaries = [event.message for event in of(run, Noted) if event.topic == "canary"]
    assert [who for who in ("M_init", "00/adapter") if any(who in line for line in canaries)] == [
        "M_init",
        "00/adapter",
    ]
    assert all(score.label for event in of(run, SamplesJudged) for score in event.scores)
