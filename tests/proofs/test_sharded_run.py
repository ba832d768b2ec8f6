"""A whole run on the pocket models whose own model lies in two processes, by the real worker."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from engine.events import AdapterTrained, Event, RunFinished, RunStarted, TrainStepped
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.engine.workers import events, finish, results, start_worker, wait_until, write_run

STUDY = """
[study]
name = "sharded"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "dpo"
cycles = 1
n_seed = 8
n_sampled = 8
[sample]
batch_size = 8
[eval]
samples_per_prompt = 1
batch_size = 12
"""
IN_TWO = "[execution]\ngpus = 2\nshards = 2\n"


def spec(folder: Path, more: str = "") -> RunSpec:
    """The study's one run."""
    path = folder / "study.toml"
    path.write_text(STUDY + more)
    return resolve_study(path, threads=1)[0]


def trained(seen: list[Event]) -> list[AdapterTrained]:
    """The adapters."""
    return [event for event in seen if isinstance(event, AdapterTrained)]


@pytest.mark.proof
def test_a_run_in_shards_stopped_in_a_training_goes_on_to_what_it_would_have_been(tmp_path: Path) -> None:
    whole, halted = (write_run(tmp_path / name, spec(tmp_path, IN_TWO)) for name in ("whole", "halted"))
    assert finish(start_worker(whole)) == (0, "")
    worker = start_worker(halted)
    wait_until(halted, lambda seen: len(trained(seen)) == 1 and isinstance(seen[-1], TrainStepped), worker)
    shards = psutil.Process(worker.pid).children(recursive=True)
    worker.send_signal(signal.SIGTERM)
    assert finish(worker)[0] == 128 + signal.SIGTERM
    assert len(shards) == 2
    assert not psutil.wait_procs(shards, timeout=10)[1]
    assert len(trained(events(halted))) == 1
    assert finish(start_worker(halted)) == (0, "")
    assert results(halted) == results(whole)
    assert isinstance(events(halted)[-1], RunFinished)


@pytest.mark.proof
def test_m_0_is_the_same_whether_the_model_lies_in_shards_or_not(tmp_path: Path) -> None:
    one, two = write_run(tmp_path / "one", spec(tmp_path)), write_run(tmp_path / "two", spec(tmp_path, IN_TWO))
    for run in (one, two):
        assert finish(start_worker(run)) == (0, "")
    assert trained(events(one))[0].adapter_sha256 == trained(events(two))[0].adapter_sha256
    notes = next(event.notes for event in events(two) if isinstance(event, RunStarted))
    assert "the model lies in 2 shards" in " ".join(notes)
