"""Runs that are paused, cancelled, forked or share a worker end with the very results of runs left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.events import Event, RunCancelled, RunPaused, StageStarted, TrainStepped
from tests.proofs.broken_off import BrokenOff
from tests.proofs.labs import ProofLab, study, until
from tests.proofs.works import Results, check_memory, results

pytestmark = pytest.mark.proof


def begun(stage: str, cycle: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StageStarted) and (event.stage, event.cycle) == (stage, cycle)


def training(cycle: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, TrainStepped) and event.cycle == cycle


@pytest.mark.parametrize(
    ("verb", "status", "end", "reached"),
    [
        ("pause", "paused", RunPaused, begun("sample_train", 1)),
        ("pause", "paused", RunPaused, training(0)),
        ("cancel", "cancelled", RunCancelled, begun("judge", 0)),
    ],
    ids=["pause-sampling", "pause-training", "cancel-judging"],
)
def test_stopped_and_resumed_it_ends_the_same(
    proof_lab: ProofLab,
    broken_off: BrokenOff,
    verb: str,
    status: str,
    end: type[Event],
    reached: Callable[[Event], bool],
) -> None:
    lab = proof_lab
    [run_id] = lab.submit(broken_off.text)
    until(lambda: any(map(reached, lab.events(run_id))), "the moment to stop at")
    lab.idemtui(verb, run_id)
    lab.reach(run_id, status)
    assert isinstance(lab.events(run_id)[-1], end)
    until(lambda: lab.worker(run_id) is None, "the worker's letting go")
    lab.idemtui("resume", run_id)
    assert lab.reach(run_id, "finished", "failed") == "finished"
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


def portable(found: Results) -> dict[str, Any]:
    """Results without the ids that name the run: samples and scores by prompt and draw."""
    place = {sample.sample_id: key for key, sample in found.samples.items()}
    return {
        "samples": {key: s.model_dump(exclude={"sample_id"}) for key, s in found.samples.items()},
        "scores": {
            (cycle, metric, place[name]): score.model_dump(exclude={"sample_id"})
            for (cycle, metric, name), score in found.scores.items()
            if name in place
        },
        "adapters": found.adapters,
    }


def of_cycle(found: dict[str, Any], cycle: int) -> dict[str, Any]:
    keys = {"samples": lambda key: key[0], "scores": lambda key: key[0], "adapters": lambda key: key}
    return {name: {k: v for k, v in part.items() if keys[name](k) == cycle} for name, part in found.items()}


def test_a_fork_without_changes_repeats_what_its_parent_did(proof_lab: ProofLab) -> None:
    lab = proof_lab
    [parent] = lab.submit(study("sft", cycles=2, more='init = "previous"'))
    assert lab.reach(parent, "finished", "failed") == "finished"
    [forked] = lab.idemtui("fork", parent, "--at", "1", "--detach", "--json").json
    fork = forked["run_id"]
    assert lab.reach(fork, "finished", "failed") == "finished"
    whole, repeated = portable(results(lab, parent)), portable(results(lab, fork))
    assert set(repeated["adapters"]) == {2}, "cycles up to the fork's are referenced, not made again"
    assert of_cycle(repeated, 2) == of_cycle(whole, 2)
    check_memory(lab, fork)


def test_two_runs_in_one_worker_end_as_each_in_its_own(labs: Callable[..., ProofLab]) -> None:
    text = study("sft", cycles=1, more='init = "previous"')
    shared = labs(IDEMTUI_SLOTS="1")
    runs = shared.submit(text + '[grid]\n"run.seed" = [1, 2]\n')
    for run_id in runs:
        assert shared.reach(run_id, "finished", "failed") == "finished"
    workers = {c.pid for run_id in runs for c in shared.commands(run_id) if c.type == "started"}
    assert len(workers) == 1, "both runs had one worker"
    for seed, run_id in enumerate(runs, start=1):
        alone = labs(IDEMTUI_SLOTS="1")
        [other] = alone.submit(text.replace("[sample]", f"seed = {seed}\n[sample]"))
        assert alone.reach(other, "finished", "failed") == "finished"
        assert portable(results(shared, run_id)) == portable(results(alone, other))
        alone.close()
