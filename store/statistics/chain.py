"""What a verdict is made from: one finished run's scores, and many runs' scores side by side as arrays.

A score that is null is NaN in an array; prompts and cycles that a run lacks are NaN too, and `store.statistics.missing`
names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from store.intervals import Array
from store.statistics import core

LATE = 4
"""First cycle that counts."""

Scores = Mapping[int, Mapping[str, float | None]]
"""Mean score per cycle and prompt id; None where nothing could be parsed."""
Draws = Mapping[int, Mapping[str, Sequence[float]]]
"""Trait scores of single answers, those that have one, per cycle and prompt id."""


@dataclass(frozen=True)
class Chain:
    """One finished run: `cycles` is N as planned, `name` how notes call it.

    `judges` says per cycle who scored the trait, `empties` how many of how many answers were empty.
    """

    run_id: str
    name: str
    cycles: int
    trait: Scores
    coherence: Scores
    draws: Draws = field(default_factory=dict)
    judges: Mapping[int, str] = field(default_factory=dict)
    empties: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def late(self) -> tuple[int, ...]:
        """The cycles that count, 4…N."""
        return tuple(range(LATE, self.cycles + 1))


def counted_cycles(chains: Sequence[Chain]) -> tuple[int, ...]:
    """M_0 and every late cycle that any of the chains planned."""
    return (0, *range(LATE, max(chain.cycles for chain in chains) + 1))


def prompts_of(chain: Chain, cycles: Sequence[int]) -> set[str]:
    """The eval prompts that were measured at any of these cycles."""
    return {prompt for cycle in cycles for prompt in chain.trait.get(cycle, {})}


def scored_prompts(chain: Chain) -> set[str]:
    """The eval prompts that have a paired Δ at any late cycle."""
    first = {prompt for prompt, score in chain.trait.get(0, {}).items() if score is not None}
    late = {p for cycle in chain.late for p, score in chain.trait.get(cycle, {}).items() if score is not None}
    return first & late


def scores_of(chains: Sequence[Chain], cycles: Sequence[int]) -> Array:
    """Prompt means of shape (R, P, cycles), prompts sorted by id over all chains."""
    prompts = sorted(set().union(*(prompts_of(chain, cycles) for chain in chains)))
    rows = [[[chain.trait.get(c, {}).get(p) for c in cycles] for p in prompts] for chain in chains]
    return np.array(rows, dtype=float).reshape(len(chains), len(prompts), len(cycles))


def late_deltas(chains: Sequence[Chain]) -> Array:
    """Δ_ij for j = 4…N of shape (R, P, J)."""
    return core.paired(scores_of(chains, counted_cycles(chains)))


def draws_of(chains: Sequence[Chain], cycles: Sequence[int]) -> Array:
    """Single answers' scores of shape (R, P, cycles, S), the scored ones first and NaN behind them."""
    prompts = sorted(set().union(*(prompts_of(chain, cycles) for chain in chains)))
    most = max((len(held) for chain in chains for c in cycles for held in chain.draws.get(c, {}).values()), default=0)
    found = np.full((len(chains), len(prompts), len(cycles), most), np.nan)
    for r, chain in enumerate(chains):
        for c, cycle in enumerate(cycles):
            for p, prompt in enumerate(prompts):
                held = chain.draws.get(cycle, {}).get(prompt, ())
                found[r, p, c, : len(held)] = held
    return found
