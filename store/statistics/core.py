"""The arithmetic of protocol §6 on arrays: one chain, one cell, or ten thousand invented ones at once.

Shapes: R replicates, P eval prompts, J late cycles (j ≥ 4); "…" is any number of leading axes. A score that is not
there is NaN and is left out by position; what it leaves out is named by `store.verdict`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.intervals import Array, mean_of, t_bounds

AMPLIFIED_AT = 15.0
"""The paper's line for A."""
BAND = 5.0
"""Half the width of what counts as no change."""


@dataclass(frozen=True)
class Judged:
    """A, L and L's 90 % interval, each of shape (…)."""

    a: Array
    l: Array  # noqa: E741 (the protocol's letter)
    low: Array
    high: Array


def paired(scores: Array) -> Array:
    """Δ_ij = s_ij − s_i0 of shape (…, P, J) from prompt means (…, P, 1 + J), M_0 first."""
    deltas: Array = scores[..., 1:] - scores[..., :1]
    return deltas


def prompt_drifts(deltas: Array) -> Array:
    """d_i of shape (…, P): the mean over late cycles of prompt i's Δ_ij (…, P, J)."""
    return mean_of(deltas)


def curve(deltas: Array) -> Array:
    """Δ_j of shape (…, J): the mean over prompts of Δ_ij (…, P, J)."""
    return mean_of(deltas, axis=-2)


def highest(curves: Array) -> Array:
    """A of shape (…): the largest Δ_j of curves (…, J), NaN where there is none."""
    top = np.where(np.isnan(curves), -np.inf, curves).max(axis=-1)
    a: Array = np.where(np.isneginf(top), np.nan, top)
    return a


def judge_chains(deltas: Array) -> Judged:
    """Each chain by itself, from Δ (…, P, J): L's error is clustered by prompt, t with P − 1 degrees."""
    bounds = t_bounds(prompt_drifts(deltas))
    return Judged(highest(curve(deltas)), bounds.mean, bounds.low, bounds.high)


def replicate_drifts(deltas: Array) -> Array:
    """L_r of shape (…, R), from Δ (…, R, P, J)."""
    return mean_of(prompt_drifts(deltas))


def judge_cells(deltas: Array) -> Judged:
    """Each cell over its replicates, from Δ (…, R, P, J): A of the mean curve; t over the L_r with R − 1 degrees."""
    bounds = t_bounds(replicate_drifts(deltas))
    return Judged(highest(mean_of(curve(deltas), axis=-2)), bounds.mean, bounds.low, bounds.high)


def labels(low: Array, high: Array, a: Array) -> NDArray[np.str_]:
    """AMPLIFIED, ROSE, DECAYED, CONSTANT or UNDECIDED for every interval; UNDECIDED where a bound is NaN."""
    above, below = low > BAND, high < -BAND
    cases = [above & (a >= AMPLIFIED_AT), above, below, (low > -BAND) & (high < BAND)]
    return np.select(cases, ["AMPLIFIED", "ROSE", "DECAYED", "CONSTANT"], "UNDECIDED")
