"""Chain-level measures of protocol §5: what is left of a trait, and whether one more cycle changed anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from store.intervals import Array, mean_of, t_interval
from store.statistics.chain import Scores

FLAGGED_ABOVE = 2.46
"""1.96 / √(2/π): the ratio is |Z| / E|Z|, and |Z| lies above 1.96 in 5 % of re-measurements of one model."""


@dataclass(frozen=True)
class Measure:
    """A number, or None and the reason why there is none."""

    value: float | None
    reason: str | None = None


def retention(trait: Scores, cycle: int) -> Measure:
    """(s_j − s_init) / (s_0 − s_init) over the prompts scored at base, M_0 and M_j: 1 kept, 0 gone.

    None where the 90 % interval of s_0 − s_init (over those prompts) includes 0: there is nothing to retain.
    """
    held = [{p for p, score in trait.get(c, {}).items() if score is not None} for c in (-1, 0, cycle)]
    prompts = sorted(set.intersection(*held))
    if len(prompts) < 2:
        return Measure(None, f"{len(prompts)} prompts are scored at base, M0 and M{cycle}; two are needed")
    base, seeded, now = (np.array([trait[c][p] for p in prompts], dtype=float) for c in (-1, 0, cycle))
    gain = t_interval(seeded - base)
    assert gain.low is not None
    assert gain.high is not None
    if gain.low <= 0 <= gain.high:
        return Measure(None, "seeding changed nothing that could be retained (the interval of s(M0) − s(base) has 0)")
    return Measure(float(np.mean(now - base)) / gain.mean)


def idempotence(before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]) -> Measure:
    """`idempotence_ratios` of two neighbouring cycles, from single answers by prompt.

    Uses the prompts with two scored answers at both; None where there is none or where their answers never differ.
    """
    prompts = [p for p in sorted(before) if len(before[p]) > 1 and len(after.get(p, ())) > 1]
    if not prompts:
        return Measure(None, "no prompt has two scored answers at both cycles")
    ratio = float(idempotence_ratios(_padded(before, prompts), _padded(after, prompts)))
    if math.isnan(ratio):
        return Measure(None, "the answers of a prompt never differ in score: re-measuring has no error to compare with")
    return Measure(ratio)


def idempotence_ratios(before: Array, after: Array) -> Array:
    """|s_{j+1} − s_j| / (√(se_j² + se_{j+1}²) · √(2/π)) of shape (…), from answers (…, P, S); NaN where the error is 0.

    se² = Σ_i s²_i / n_i / P² over the same prompts, within prompts alone: prompts are paired, so what lies between them
    cancels. If nothing happened the numerator is |Z| times the root, and E|Z| = √(2/π) (half-normal: Leone, Nelson,
    Nottingham 1961, Technometrics 3, 543–550): the mean is 1, and 5 % lie above 2.46.
    """
    change = np.abs(mean_of(mean_of(after)) - mean_of(mean_of(before)))
    error = np.sqrt(_squared_error(before) + _squared_error(after)) * math.sqrt(2 / math.pi)
    ratios: Array = change / np.where(error > 0, error, np.nan)
    return ratios


def _squared_error(draws: Array) -> Array:
    counts = (~np.isnan(draws)).sum(axis=-1)
    squares = np.nansum((draws - mean_of(draws)[..., None]) ** 2, axis=-1)
    squared: Array = (squares / (counts - 1) / counts).sum(axis=-1) / draws.shape[-2] ** 2
    return squared


def _padded(draws: Mapping[str, Sequence[float]], prompts: Sequence[str]) -> Array:
    found = np.full((len(prompts), max(len(draws[p]) for p in prompts)), np.nan)
    for row, prompt in zip(found, prompts, strict=True):
        row[: len(draws[prompt])] = draws[prompt]
    return found
