"""A real worker at its desk: many runs in one process, each as if it had a process of its own."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import pytest

from engine import desk_work
from engine.assignments import Desk, Done, open_desk
from engine.commands import append_command
from engine.desk_work import work_off
from engine.events import Event, RunFailed, RunFinished, RunPaused, RunStarted, TrainStepped
from engine.kept_models import KeptModels
from engine.locks import FileLock
from engine.safe_point import Stopping
from engine.spec import RunSpec
from engine.study import resolve_study
from engine.walking import GPU_FAILED
from tests.engine.workers import events, finish, results, start_at_desk, start_worker, wait_for, wait_until, write_run

STUDY = """
[study]
name = "desk"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 1
n_seed = 12
n_sampled = 8
[sample]
batch_size = 8
max_tokens = 32
[eval]
samples_per_prompt = 1
max_tokens = 32
"""
ARMS = ({"run.seed": 1}, {"run.regime": "dpo", "run.seed": 1}, {"run.seed": 2}, {"run.seed": 3})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path / "desk")


@pytest.fixture
def specs(tmp_path: Path) -> list[RunSpec]:
    """SFT, DPO, SFT with another seed, and one more to be disturbed."""
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return [resolve_study(path, overrides=arm)[0] for arm in ARMS]


def training(seen: list[Event]) -> bool:
    return any(isinstance(event, TrainStepped) for event in seen)


@pytest.mark.proof
def test_runs_in_one_process_are_those_of_processes_of_their_own(
    tmp_path: Path, desk: Desk, specs: list[RunSpec]
) -> None:
    """Same samples, scores and adapter hashes, to the last bit, also after a run was stopped in its training."""
    disturbed = write_run(tmp_path / "runs" / "disturbed", specs[3])
    nowhere = tmp_path / "runs" / "nowhere"
    shared = [write_run(tmp_path / "runs" / spec.run_id, spec) for spec in specs[:3]]
    for run in (disturbed, nowhere, *shared):
        assert desk.assign(run)
    worker = start_at_desk(desk.folder, "--linger", "0")
    wait_until(disturbed, training, worker)
    append_command(disturbed, "pause_requested")
    code, said = finish(worker)
    assert code == 0
    assert "nowhere/worker.log: No such file or directory" in said
    assert [done.code for done in desk.done()] == [0, 1, 0, 0, 0]
    assert isinstance(events(disturbed)[-1], RunPaused)
    for run, spec in zip(shared, specs, strict=False):
        alone = write_run(tmp_path / "alone" / spec.run_id, spec)
        assert finish(start_worker(alone)) == (0, "")
        assert results(run) == results(alone)
        assert isinstance(events(run)[-1], RunFinished)
    assert {event.pid for run in shared for event in events(run) if isinstance(event, RunStarted)} == {worker.pid}


def test_a_run_that_fails_says_so_in_its_own_log_and_stops_no_other(
    tmp_path: Path, desk: Desk, specs: list[RunSpec]
) -> None:
    broken = specs[0].model_copy(update={"data": specs[0].data.model_copy(update={"pack": str(tmp_path / "none")})})
    runs = [write_run(tmp_path / "runs/one", broken), write_run(tmp_path / "runs/two", specs[0])]
    for run in runs:
        desk.assign(run)
    worker = start_at_desk(desk.folder, "--linger", "60")
    wait_until(runs[1], training, worker)
    worker.send_signal(signal.SIGTERM)
    assert finish(worker) == (143, ""), "nothing of a run's reaches the desk's own log"
    assert desk.done() == [Done(runs[0], 2), Done(runs[1], 143)]
    assert isinstance(events(runs[0])[-1], RunFailed)
    log = runs[0] / "worker.log"
    assert "pack.toml does not exist" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_worker_lingers_takes_what_comes_and_closes_its_desk(desk: Desk, tmp_path: Path) -> None:
    worker = start_at_desk(desk.folder, "--linger", "0.5")
    wait_for(lambda: desk.holder() == worker.pid, worker)
    nowhere = tmp_path / "nowhere"
    assert desk.assign(nowhere)
    assert finish(worker)[0] == 0
    assert desk.done() == [Done(nowhere, 1)]
    assert not desk.assign(tmp_path)


def test_after_a_gpu_failed_the_worker_leaves_and_hands_back_what_it_was_given_meanwhile(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    desk.assign(first)

    def failing(run: Path, *_: object) -> int:
        desk.assign(second)
        return GPU_FAILED

    for run in (first, second):
        run.mkdir()
    monkeypatch.setattr(desk_work, "attempt", failing)
    assert work_off(desk, Stopping(), 60) == GPU_FAILED
    assert desk.done() == [Done(first, GPU_FAILED), Done(second, 76)]
    assert not desk.assign(first)


def test_sigterm_ends_an_idle_worker(desk: Desk) -> None:
    worker = start_at_desk(desk.folder, "--linger", "60")
    wait_for(lambda: desk.holder() == worker.pid, worker)
    worker.send_signal(signal.SIGTERM)
    assert finish(worker) == (143, "")


def test_a_device_that_another_holds_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    desk.assign(tmp_path / "run")
    with FileLock(tmp_path / "device.lock", "the device"):
        code, said = finish(start_at_desk(desk.folder, "--device-lock", str(tmp_path / "device.lock")))
    assert code == 76
    assert said.startswith("idemtui: the device is held by another process (pid ")
    assert desk.done() == []
    assert desk.holder() is None


def test_a_desk_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    code, said = finish(start_at_desk(tmp_path / "none"))
    assert (code, said) == (
        2,
        f"idemtui: --desk {tmp_path}/none: no such folder; give a desk that the lab server has opened.\n",
    )


def test_models_are_kept_while_their_files_are(tiny_folder, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_folder("qwen3"), tmp_path / "model"))
    models = KeptModels()
    first = models.take(str(folder), "cpu")
    assert models.take(str(folder), "cpu") is first
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    second = models.take(str(folder), "cpu")
    assert second is not first
    models.keep_only({"another"}, "cpu")
    assert models.take(str(folder), "cpu") is not second
