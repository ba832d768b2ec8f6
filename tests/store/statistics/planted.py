"""Cells invented with known variances, as raw scores: cycles 0, 4, 5, 6 × prompts × answers, a chain each.

A late score is its prompt's level + drift + a_r + (ac)_ri + an answer's own noise; at M_0 drift and effects are 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from store.statistics.chain import Chain

CYCLES = (0, 4, 5, 6)
LATE = len(CYCLES) - 1


@dataclass(frozen=True)
class Truth:
    """Standard deviations in points, and the drift."""

    replicates: float
    prompts: float
    answers: float
    drift: float

    def half_width_squared(self, size: Size, t: float) -> float:
        """What the square of a cell's half-width is on average: t²·V/R."""
        within = self.prompts**2 + self.answers**2 * (1 + 1 / LATE) / size.answers
        return t**2 * (self.replicates**2 + within / size.prompts) / size.replicates


@dataclass(frozen=True)
class Size:
    """Replicates, prompts, answers a prompt and cycle."""

    replicates: int
    prompts: int
    answers: int


def cell(truth: Truth, size: Size, random: np.random.Generator) -> np.ndarray:
    """One cell, replicates × prompts × cycles × answers."""
    shape = (size.replicates, size.prompts)
    moved = (
        truth.drift + random.normal(0, truth.replicates, (size.replicates, 1)) + random.normal(0, truth.prompts, shape)
    )
    level = random.normal(45, 15, size.prompts)[None, :, None] + np.where(np.array(CYCLES) > 0, moved[..., None], 0.0)
    return level[..., None] + random.normal(0, truth.answers, (*shape, len(CYCLES), size.answers))


def late_means(scores: np.ndarray) -> np.ndarray:
    """L of every replicate."""
    means = scores.mean(axis=3)
    return (means[:, :, 1:].mean(axis=2) - means[:, :, 0]).mean(axis=1)


def half_width(scores: np.ndarray, t: float) -> float:
    """Of the cell's interval, where t is its quantile."""
    late = late_means(scores)
    return t * float(late.std(ddof=1)) / math.sqrt(len(late))


def as_chains(scores: np.ndarray) -> list[Chain]:
    """The same as the store holds it."""
    chains = []
    for r, replicate in enumerate(scores):
        draws = {
            cycle: {f"prompt {p:03}": tuple(replicate[p, c].tolist()) for p in range(len(replicate))}
            for c, cycle in enumerate(CYCLES)
        }
        trait = {cycle: {p: float(np.mean(held)) for p, held in prompts.items()} for cycle, prompts in draws.items()}
        chains.append(Chain(f"run {r}", f"replicate {r + 1}", max(CYCLES), trait, {}, draws))
    return chains
