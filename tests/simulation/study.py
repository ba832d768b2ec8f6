"""How often each rule fires and each interval covers, through the arithmetic that verdicts are made with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from store.intervals import Array
from store.statistics.bootstrap import bootstrap_interval
from store.statistics.chain import Chain
from store.statistics.core import AMPLIFIED_AT, judge_cells, judge_chains, labels, paired
from store.verdict import REPLICATES, cell_verdict
from tests.simulation.model import LATE, PROMPTS, Scenario, cells

LABELS = ("AMPLIFIED", "ROSE", "CONSTANT", "DECAYED", "UNDECIDED")
SEED = 20261121


@dataclass(frozen=True)
class Outcome:
    """Shares over many cells of R replicates; `fired` by label (none below three replicates), coverage of the truth.

    With one replicate the interval is the chain's own: `covered_own` of its own true L, `covered` of the drift.
    """

    scenario: Scenario
    replicates: int
    cells: int
    paper: float
    """The paper's rule on the replicates' mean curve."""
    fired: dict[str, float]
    covered: float
    covered_own: float | None = None


def outcome(scenario: Scenario, replicates: int, count: int, seed: int = SEED) -> Outcome:
    """Judge `count` invented cells."""
    found = [_judged(scenario, block.answers, block.own) for block in cells(scenario, replicates, count, seed)]
    a, label, covered, own = (np.concatenate(part) for part in zip(*found, strict=True))
    labelled = replicates >= REPLICATES
    return Outcome(
        scenario,
        replicates,
        len(a),
        float((a >= AMPLIFIED_AT).mean()),
        {name: float((label == name).mean()) for name in LABELS} if labelled else {},
        float(covered.mean()),
        float(own.mean()) if replicates == 1 else None,
    )


def _judged(scenario: Scenario, answers: Array, own: Array) -> tuple[Array, ...]:
    deltas = paired(answers.mean(axis=-1, dtype=np.float64))
    if deltas.shape[1] == 1:
        chain = judge_chains(deltas[:, 0])
        inside_own = (chain.low <= own[:, 0]) & (own[:, 0] <= chain.high)
        inside = (chain.low <= scenario.drift) & (scenario.drift <= chain.high)
        return chain.a, np.full(len(own), ""), inside, inside_own
    cell = judge_cells(deltas)
    inside = (cell.low <= scenario.drift) & (scenario.drift <= cell.high)
    return cell.a, labels(cell.low, cell.high, cell.a), inside, inside


def bootstrap_coverage(scenario: Scenario, count: int, replicates: int = 10, seed: int = SEED) -> float:
    """How often the hierarchical bootstrap's interval holds the drift."""
    inside = []
    for block in cells(scenario, replicates, count, seed):
        for number, answers in enumerate(block.answers):
            low, high = bootstrap_interval(answers, number)
            inside.append(low <= scenario.drift <= high)
    return float(np.mean(inside))


@dataclass(frozen=True)
class Advice:
    """Of cells with five replicates: how many are undecided, are told a number of replicates, and then decide."""

    cells: int
    undecided: int
    told: int
    """Told at most `MOST_TRIED` replicates."""
    decided: int
    cheapest: dict[str, int]


MOST_TRIED = 60


def advice(scenario: Scenario, count: int, seed: int = SEED) -> Advice:
    """Try what undecided cells are told: a fresh cell with so many replicates."""
    told, tried, cheapest = 0, [], Counter[str]()
    for block in cells(scenario, 5, count, seed):
        for answers in block.answers:
            needed = cell_verdict(as_chains(answers)).needed
            if needed is None:
                continue
            cheapest[needed.cheapest or "nothing"] += 1
            if needed.replicates is not None and needed.replicates <= MOST_TRIED:
                told += 1
                tried.append(_decides(scenario, needed.replicates, seed + told))
    return Advice(count, sum(cheapest.values()), told, sum(tried), dict(cheapest))


def _decides(scenario: Scenario, replicates: int, seed: int) -> bool:
    [fresh] = cells(scenario, replicates, 1, seed)
    found = judge_cells(paired(fresh.answers.mean(axis=-1, dtype=np.float64)))
    return bool(labels(found.low, found.high, found.a)[0] != "UNDECIDED")


def as_chains(answers: Array) -> list[Chain]:
    """One invented cell (R, P, 1 + J, S) as the chains that a database would hold."""
    cycles = (0, *LATE)
    chains = []
    for r, replicate in enumerate(answers.astype(np.float64)):
        draws = {
            cycle: {f"prompt {p:02}": tuple(float(s) for s in replicate[p, c]) for p in range(PROMPTS)}
            for c, cycle in enumerate(cycles)
        }
        trait: dict[int, dict[str, float | None]] = {
            cycle: {prompt: float(np.mean(scores)) for prompt, scores in by_prompt.items()}
            for cycle, by_prompt in draws.items()
        }
        chains.append(Chain(f"run {r}", f"replicate {r + 1}", max(cycles), trait, {}, draws))
    return chains
