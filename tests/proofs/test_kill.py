"""The kill test: chains whose worker is killed 1–4 times, in half of them the server too, end as if left alone.

    pytest -m proof tests/proofs/test_kill.py                          the first 12 of the 50 planned chains
    IDEMTUI_KILL_CHAINS=50 pytest -m proof --timeout 2400 -s tests/proofs/test_kill.py        all of them

Kills are chosen by stage and journal position (`tests.proofs.kills`), those of long stages carried out from outside on
the process that `commands.jsonl` names, those of instants inside the worker (`inside/sitecustomize.py`): a torn line,
an adapter half written, an adapter in its place of which the journal knows nothing.

Work is counted from journals. Units are batches drawn (`samples_drawn` but the seed's), measured
(`likelihoods_measured`) and judged (`samples_judged`), and trainings begun (`stage_started` of `train`). A worker
writes a batch down before it begins the next, so what a kill can cost unseen is the one batch under way: a unit for
every kill that found a drawing, measuring or judging stage open.
extra = units of the killed chain + those unseen − units of the chain left alone, and must be at most the number of
kills; batches in the journal must be exactly as many as in the chain left alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.proofs.kills import CYCLES, PLACES, REGIMES, ChainPlan, Hit, carry_out, plans, prepare, still_ahead
from tests.proofs.labs import ProofLab, new_lab, remove, study
from tests.proofs.works import Results, Work, check_memory, results, work

pytestmark = pytest.mark.proof
CHAINS = int(os.environ.get("IDEMTUI_KILL_CHAINS", "12"))
MORE = {
    "sft": 'init = "previous"',
    "sdf": "",
    "dpo": 'init = "previous"\nreference = "previous"\nrejected = "previous"',
}
STUDIES = {regime: study(regime, CYCLES, MORE[regime]) for regime in REGIMES}


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    plan: ChainPlan
    hits: tuple[Hit, ...]
    extra: int
    same: str


OUTCOMES: list[Outcome] = []


@contextmanager
def fresh() -> Iterator[ProofLab]:
    lab = new_lab()
    try:
        yield lab
    finally:
        remove(lab)


@pytest.fixture(scope="module")
def undisturbed() -> Callable[[str], tuple[Results, Work]]:
    """A regime's chain left alone, computed once."""
    known: dict[str, tuple[Results, Work]] = {}

    def alone(regime: str) -> tuple[Results, Work]:
        if regime not in known:
            with fresh() as lab:
                [run_id] = lab.submit(STUDIES[regime])
                assert lab.reach(run_id, "finished", "failed") == "finished"
                check_memory(lab, run_id)
                known[regime] = results(lab, run_id), work(lab.events(run_id))
        return known[regime]

    return alone


@pytest.mark.parametrize("plan", plans(CHAINS), ids=lambda plan: f"{plan.number}-{plan.regime}-{len(plan.kills)}")
def test_a_killed_chain_ends_as_one_left_alone(
    plan: ChainPlan, undisturbed: Callable[[str], tuple[Results, Work]], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, effort = undisturbed(plan.regime)
    with fresh() as lab:
        hits, run_id = walk(lab, plan)
        same = results(lab, run_id) == whole
        spent = work(lab.events(run_id))
        unseen = sum(hit.batch_open for hit in hits)
        extra = spent.units + unseen - effort.units
        OUTCOMES.append(Outcome(plan, hits, extra, "yes" if same else "NO"))
        with capsys.disabled():
            print(f"\n{row(OUTCOMES[-1])}")
        assert same
        assert (spent.drawn, spent.measured, spent.judged) == (effort.drawn, effort.measured, effort.judged)
        assert spent.trainings - effort.trainings <= sum(hit.training_open for hit in hits)
        assert extra <= len(plan.kills)
        check_memory(lab, run_id)


def walk(lab: ProofLab, plan: ChainPlan) -> tuple[tuple[Hit, ...], str]:
    """Carry out every kill, go on after each, and wait for the end; fails where a server forgot what it had told."""
    hits, run_id, told = [], "", set[int]()
    for planned in plan.kills:
        kill_ = still_ahead(planned, lab.events(run_id) if run_id else [])
        prepare(lab, kill_)
        run_id = go_on(lab, plan, run_id)
        assert told <= {int(seq) for (seq,) in lab.ask("SELECT seq FROM events WHERE run_id = ?", run_id)}
        hit, told = carry_out(lab, run_id, kill_)
        hits.append(hit)
        if not kill_.server:
            lab.reach(run_id, "failed")
    go_on(lab, plan, run_id)
    assert lab.reach(run_id, "finished", "failed") == "finished", lab.commands(run_id)
    return tuple(hits), run_id


def go_on(lab: ProofLab, plan: ChainPlan, run_id: str) -> str:
    """Queue the chain, or have it go on; the server comes back with that where it was killed."""
    if run_id and plan.again == "resume":
        lab.idemtui("resume", run_id)
        return run_id
    return lab.submit(STUDIES[plan.regime])[0]


def test_every_stage_was_hit(capsys: pytest.CaptureFixture[str]) -> None:
    if len(OUTCOMES) < CHAINS:
        pytest.skip(f"{len(OUTCOMES)} of {CHAINS} chains ended here: the table is of all or none")
    met = Counter(hit.place for outcome in OUTCOMES for hit in outcome.hits)
    with capsys.disabled():
        print("\n" + table(OUTCOMES, met))
    assert set(PLACES) <= set(met)
    assert sum(outcome.plan.server_killed for outcome in OUTCOMES) >= CHAINS // 2


HEADER = (
    "| chain | regime | killed at (cycle) | server killed | goes on by | extra work | same results |",
    "|---|---|---|---|---|---|---|",
)


def row(outcome: Outcome) -> str:
    """One line of the proof's table, in Markdown."""
    plan = outcome.plan
    places = ", ".join(hit.place if hit.cycle is None else f"{hit.place} ({hit.cycle})" for hit in outcome.hits)
    servers = ", ".join(kill_.server for kill_ in plan.kills if kill_.server) or "no"
    return (
        f"| {plan.number} | {plan.regime} | {places} | {servers} | {plan.again} | "
        f"{outcome.extra} of {len(plan.kills)} allowed | {outcome.same} |"
    )


def table(outcomes: list[Outcome], met: Counter[str]) -> str:
    """The whole table, and how often each place was hit."""
    hit = ", ".join(f"{place} {number}" for place, number in met.most_common())
    return "\n".join([*HEADER, *map(row, outcomes), "", f"Kills: {met.total()} ({hit})"])
