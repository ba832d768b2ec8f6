"""The worker as a real process on the pocket models."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from engine.commands import append_command
from engine.events import AdapterTrained, Event, RunCancelled, RunFailed, RunFinished, SamplesDrawn, TrainStepped
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.engine.fake_parts import work_on
from tests.engine.workers import events, finish, results, start_worker, wait_until, write_run

STUDY = """
[study]
name = "worker"
controls = []
[run]
model = "pocket/{model}"
trait = "bliss"
regime = "{regime}"
cycles = {cycles}
n_seed = 16
n_sampled = 16
[sample]
batch_size = 8
[eval]
samples_per_prompt = 2
batch_size = 12
"""


def make_spec(folder: Path, regime: str = "sft", cycles: int = 2) -> RunSpec:
    path = folder / "study.toml"
    model = "base" if regime == "sdf" else "instruct"
    path.write_text(STUDY.format(regime=regime, cycles=cycles, model=model))
    return resolve_study(path, threads=1)[0]


def test_a_run_goes_from_spec_to_finished_and_a_second_start_does_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", make_spec(tmp_path, cycles=1))
    assert finish(start_worker(run)) == (0, "")
    done = events(run)
    assert isinstance(done[-1], RunFinished)
    trained = [e for e in done if isinstance(e, AdapterTrained)]
    assert [e.cycle for e in trained] == [0, 1]
    assert all((run / e.path / "adapter_config.json").exists() for e in trained)
    assert finish(start_worker(run))[0] == 0
    assert events(run) == done


def test_sigterm_stops_at_a_safe_point_and_cancel_is_recorded(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", make_spec(tmp_path))
    worker = start_worker(run)
    wait_until(run, lambda seen: any(isinstance(e, TrainStepped) for e in seen), worker)
    second = start_worker(run)
    assert finish(second) == (
        1,
        f"idemtui: run {make_spec(tmp_path).run_id} is held by another process "
        f"(pid {worker.pid}); wait for it or stop it.\n",
    )
    worker.send_signal(signal.SIGTERM)
    assert finish(worker)[0] == 143
    assert not isinstance(events(run)[-1], RunCancelled | RunFinished)
    append_command(run, "cancel_requested")
    assert finish(start_worker(run))[0] == 0
    assert isinstance(events(run)[-1], RunCancelled)


def test_a_changed_pack_or_adapter_refuses_to_go_on(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", make_spec(tmp_path, cycles=1))
    assert work_on(run) == 0
    journal = run / "events.jsonl"
    trained = next(number for number, event in enumerate(events(run), 1) if isinstance(event, AdapterTrained))
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:trained]))
    adapter = run / "cycles/00/adapter/adapter_model.safetensors"
    adapter.write_bytes(adapter.read_bytes()[:-1] + b"?")
    assert work_on(run) == 1
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert "changed since cycle 0 was trained" in failed.message
    assert failed.error == "ResumeError"


def test_a_folder_without_spec_is_one_line(tmp_path: Path) -> None:
    code, said = finish(start_worker(tmp_path))
    assert code == 2
    assert (
        said == f"idemtui: {tmp_path}/spec.json: no such file; give the absolute path of a run's or a job's folder.\n"
    )


@pytest.mark.proof
@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_killed_twice_it_ends_as_one_left_alone(tmp_path: Path, regime: str) -> None:
    """Same samples, scores and adapter hashes; at most one batch or one training done twice per kill."""
    spec = make_spec(tmp_path, regime)
    whole, cut = write_run(tmp_path / "whole", spec), write_run(tmp_path / "cut", spec)
    assert finish(start_worker(whole))[0] == 0
    for reached in (_sampling(1), _training(2)):
        worker = start_worker(cut)
        wait_until(cut, reached, worker)
        worker.kill()
        assert finish(worker)[0] == -signal.SIGKILL
    assert finish(start_worker(cut))[0] == 0
    assert results(cut) == results(whole)


def _sampling(cycle: int) -> object:
    def reached(seen: list[Event]) -> bool:
        return any(isinstance(e, SamplesDrawn) and e.cycle == cycle for e in seen)

    return reached


def _training(cycle: int) -> object:
    def reached(seen: list[Event]) -> bool:
        return any(isinstance(e, TrainStepped) and e.cycle == cycle for e in seen)

    return reached
