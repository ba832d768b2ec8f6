"""Forks walked by the real worker with fake models: what they inherit, what they need, how they go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.ancestry import adapters_needed, check_parent, repeated_prompts
from engine.commands import append_command
from engine.errors import ResumeError
from engine.events import AdapterTrained, CycleStarted, RunFailed, RunFinished, SamplesDrawn
from engine.fakes import FakeTrainer
from engine.forking import resolve_fork
from engine.packs import open_pack
from engine.score_events import SamplesJudged
from engine.spec import RunSettings, RunSpec
from tests.engine.chains import make_spec, write_pack
from tests.engine.fake_parts import FakeParts, work_on
from tests.engine.workers import events, write_run

ARMS: list[dict[str, Any]] = [
    {"run__regime": "sft"},
    {"run__regime": "sdf", "run__init": "previous"},
    {"run__regime": "dpo"},
    {"run__regime": "dpo", "run__init": "initial", "run__reference": "initial", "run__rejected": "previous"},
]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def walk(runs: Path, spec: RunSpec) -> Path:
    folder = write_run(runs / spec.run_id, spec)
    assert work_on(folder) == 0, events(folder)[-1:]
    assert isinstance(events(folder)[-1], RunFinished)
    return folder


def made(folder: Path, after: int) -> list[object]:
    """What a run made in the cycles after `after`, without what names the run."""
    found: list[object] = []
    for event in events(folder):
        match event:
            case SamplesDrawn() if event.cycle > after:
                texts = [(sample.prompt, sample.draw, sample.response) for sample in event.samples]
                found.append((event.cycle, event.purpose, event.drawn_by, texts))
            case SamplesJudged() if event.cycle > after:
                found.append((event.cycle, event.metric, [score.value for score in event.scores]))
            case AdapterTrained() if event.cycle > after:
                found.append(event)
            case _:
                pass
    return found


def last_failure(folder: Path) -> str:
    failed = events(folder)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.error == "ResumeError"
    return failed.message


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("at", [0, 2])
def test_a_fork_without_changes_goes_on_as_its_parent_did(
    pack: Path, runs: Path, parts: FakeParts, arm: dict[str, Any], at: int
) -> None:
    spec = make_spec(pack, **arm)
    parent = walk(runs, spec)
    fork = walk(runs, resolve_fork(spec, at, {}))
    assert made(fork, -2) == made(parent, at), "its own journal holds the cycles after the fork, and nothing before"
    assert [event.cycle for event in events(fork) if isinstance(event, CycleStarted)] == list(range(at + 1, 4))
    assert sorted(path.name for path in (fork / "cycles").iterdir()) == [f"{cycle:02d}" for cycle in range(at + 1, 4)]


def test_a_fork_of_a_fork_goes_back_as_far_as_it_must(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack, run__regime="dpo", run__rejected="previous", run__cycles=5)
    parent = walk(runs, spec)
    fork = resolve_fork(spec, 3, {})
    walk(runs, fork)
    second = resolve_fork(fork, 4, {})
    assert made(walk(runs, second), -2) == made(parent, 4)
    earlier = resolve_fork(second, 1, {"run.cycles": 5})
    assert made(walk(runs, earlier), -2) == made(parent, 1), "at a cycle that the fork itself inherits"


def test_a_fork_takes_its_own_settings_from_there_on(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack)
    walk(runs, spec)
    fork = resolve_fork(spec, 1, {"run.regime": "dpo", "run.cycles": 4, "run.n_sampled": 6})
    parts.trainer = FakeTrainer()
    walk(runs, fork)
    assert [job.method for job in parts.trainer.jobs] == ["dpo"] * 3
    starts = [job.start for job in parts.trainer.jobs]
    own = runs / fork.run_id / "cycles"
    assert starts == [runs / spec.run_id / "cycles/01/adapter", own / "02/adapter", own / "03/adapter"]


def test_an_interrupted_fork_ends_as_one_left_alone(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack, run__regime="dpo")
    walk(runs, spec)
    fork = resolve_fork(spec, 1, {"run.seed": 9})
    whole = made(walk(runs, fork), -2)
    shutil.rmtree(runs / fork.run_id)
    folder = write_run(runs / fork.run_id, fork)

    class Pausing(FakeTrainer):
        def _train(self, job: Any) -> Any:
            append_command(folder, "pause_requested")
            return super()._train(job)

    parts.trainer = Pausing()
    assert work_on(folder) == 0
    assert made(folder, -2) != whole
    append_command(folder, "queued")
    parts.trainer = FakeTrainer()
    assert work_on(folder) == 0
    assert made(folder, -2) == whole


def test_a_parent_that_is_gone_unfinished_or_changed_is_told(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack)
    fork = resolve_fork(spec, 2, {})
    folder = write_run(runs / fork.run_id, fork)
    assert work_on(folder) == 1
    assert f"goes on from run {spec.run_id}, which cannot be read: " in last_failure(folder)

    parent = write_run(runs / spec.run_id, spec)
    with pytest.raises(ResumeError, match=r"cycle 2 of run .* has not finished it \(finished up to it: none\)"):
        check_parent(runs, fork)
    assert work_on(parent) == 0
    check_parent(runs, fork)
    weights = parent / "cycles/02/adapter/adapter_model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(b"other")
    assert work_on(folder) == 1
    assert f"{weights} changed since cycle 2 was trained" in last_failure(folder)
    weights.unlink()
    with pytest.raises(ResumeError, match=r"needs the adapter of cycle 2 .*is gone"):
        check_parent(runs, fork)
    weights.write_bytes(kept)
    shutil.rmtree(parent / "cycles/01"), shutil.rmtree(parent / "cycles/00")
    assert work_on(folder) == 0, "what the fork does not need may be gone"


def test_check_parent_looks_through_a_fork_of_a_fork(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack)
    walk(runs, spec)
    fork = resolve_fork(spec, 2, {})
    write_run(runs / fork.run_id, fork)
    second = resolve_fork(fork, 2, {"run.seed": 5})
    check_parent(runs, second)
    shutil.rmtree(runs / spec.run_id)
    with pytest.raises(ResumeError, match=f"goes on from run {spec.run_id}, which cannot be read"):
        check_parent(runs, second)
    check_parent(runs, spec)


def settings(**changes: Any) -> RunSettings:
    dpo = {"regime": "dpo", "init": "previous", "reference": "previous", "rejected": "initial"}
    base = {"model": "m", "kind": "instruct", "trait": "bliss", "cycles": 6, "n_seed": 1, "n_sampled": 1, "seed": 1}
    return RunSettings(**{**base, **dpo, **changes})


def test_what_the_rest_of_a_run_needs() -> None:
    assert adapters_needed(settings(), 3) == {3}
    assert adapters_needed(settings(rejected="previous"), 3) == {2, 3}
    assert adapters_needed(settings(rejected="previous"), 0) == {0}
    assert adapters_needed(settings(rejected="previous", cycles=4), 3) == {2, 3}
    assert adapters_needed(settings(regime="sft", init="initial", reference=None, rejected=None), 5) == {5}
    assert adapters_needed(settings(), 6) == frozenset()
    assert adapters_needed(settings(), -1) == frozenset()


def test_prompts_that_come_again_are_counted(pack: Path, runs: Path) -> None:
    spec = make_spec(pack)
    write_run(runs / spec.run_id, spec)
    pool = open_pack(str(pack)).pool("sft")
    assert repeated_prompts(runs, spec, pool) == 0
    assert repeated_prompts(runs, resolve_fork(spec, 2, {}), pool) == 0
    assert repeated_prompts(runs, resolve_fork(spec, 2, {"run.n_sampled": 8}), pool) == 0
    assert repeated_prompts(runs, resolve_fork(spec, 2, {"run.n_sampled": 3}), pool) == 3, "slice 6…8 of 0…11"
    assert repeated_prompts(runs, resolve_fork(spec, 2, {"run.seed": 2}), pool) > 0


def test_nothing_of_an_ancestor_is_written_again(pack: Path, runs: Path, parts: FakeParts) -> None:
    spec = make_spec(pack)
    parent = walk(runs, spec)
    before = {path: path.stat().st_mtime_ns for path in parent.rglob("*")}
    walk(runs, resolve_fork(spec, 1, {}))
    assert {path: path.stat().st_mtime_ns for path in parent.rglob("*")} == before
