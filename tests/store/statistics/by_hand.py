"""Protocol §5 and §6 worked out by hand, from its text alone: arrays of raw scores in, numbers out.

Nothing of `store.statistics` and nothing of scipy is used here; numpy adds, sorts and draws. A chain's scores are an
array of cycles × prompts × answers, its first cycle the seeded model's, NaN where an answer has no score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

LATE = slice(4, None)
"""Cycles from 4 on, of an array whose first is cycle 0."""


def t_cdf(x: float, degrees: float) -> float:
    """Student's distribution: with x = √ν·tan θ its density is cos θ to the power ν − 1, summed by Simpson's rule."""
    steps = 2000
    theta = np.linspace(0.0, math.atan(abs(x) / math.sqrt(degrees)), steps + 1)
    weights = np.where(np.arange(steps + 1) % 2, 4.0, 2.0)
    weights[[0, -1]] = 1.0
    area = float((weights * np.cos(theta) ** (degrees - 1)).sum()) * (theta[1] - theta[0]) / 3
    log_scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(math.pi)
    half = math.exp(log_scale) * area
    return 0.5 + half if x >= 0 else 0.5 - half


@cache
def t_quantile(p: float, degrees: float) -> float:
    """Where `t_cdf` reaches p, by halving."""
    low, high = -1e3, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, degrees) < p else (low, middle)
    return (low + high) / 2


def t_interval(values: np.ndarray) -> tuple[float, float]:
    """The 90 % interval of a mean."""
    n = len(values)
    error = math.sqrt(((values - values.mean()) ** 2).sum() / (n - 1) / n)
    width = t_quantile(0.95, n - 1) * error
    return float(values.mean() - width), float(values.mean() + width)


def prompt_means(scores: np.ndarray) -> np.ndarray:
    """Cycles × prompts: means over the answers that have a score."""
    held = ~np.isnan(scores)
    counts = held.sum(axis=2)
    with np.errstate(invalid="ignore"):
        return np.where(held, scores, 0.0).sum(axis=2) / counts


def deltas(scores: np.ndarray) -> np.ndarray:
    """Δ_ij, cycles × prompts, paired by prompt."""
    means = prompt_means(scores)
    return means - means[0]


def drifts(scores: np.ndarray) -> np.ndarray:
    """d_i, one for each prompt."""
    return deltas(scores)[LATE].mean(axis=0)


def paper_a(chains: list[np.ndarray]) -> float:
    """A: the highest late Δ_j of the replicates' mean curve."""
    curves = [deltas(scores).mean(axis=1) for scores in chains]
    return float(np.mean(curves, axis=0)[LATE].max())


def label(low: float, high: float, a: float) -> str:
    """The label of a cell."""
    if low > 5:
        return "AMPLIFIED" if a >= 15 else "ROSE"
    if high < -5:
        return "DECAYED"
    return "CONSTANT" if low > -5 and high < 5 else "UNDECIDED"


def suffixes(trait: list[np.ndarray], coherence: list[np.ndarray]) -> list[str]:
    """Of a cell's replicates, or of one chain, whose seeding its prompts tell; their first cycle is base."""
    seen = np.array([prompt_means(scores) for scores in trait])
    whole = np.array([prompt_means(scores).mean(axis=1) for scores in coherence]).mean(axis=0)
    gains = (seen[:, 1] - seen[:, 0]).mean(axis=1) if len(seen) > 1 else seen[0, 1] - seen[0, 0]
    low, high = t_interval(gains)
    ends = {
        "DEGENERATE": whole[-1] < 50 or whole[-1] <= whole[1] - 20,
        "CEILING": seen[:, 1].mean() > 85,
        "SEED-FAILED": low <= 0 <= high,
    }
    return [name for name, holds in ends.items() if holds]


def bootstrap(chains: list[np.ndarray], resamples: int, seed: int) -> np.ndarray:
    """L of cells drawn anew, with replacement: replicates, in each its prompts, of each prompt its scored answers."""
    random = np.random.default_rng(seed)
    return np.array([_drawn_anew(chains, random) for _ in range(resamples)])


def _drawn_anew(chains: list[np.ndarray], random: np.random.Generator) -> float:
    late = []
    for r in random.integers(len(chains), size=len(chains)):
        scores = chains[r]
        prompts = scores.shape[1]
        picked = np.sort(scores[:, random.integers(prompts, size=prompts), :], axis=2)  # NaN comes last
        counts = (~np.isnan(picked)).sum(axis=2, keepdims=True)
        drawn = np.take_along_axis(picked, (random.random(picked.shape) * counts).astype(int), axis=2)
        late.append(drifts(np.where(np.isnan(picked), np.nan, drawn)).mean())
    return float(np.mean(late))


@dataclass(frozen=True)
class Parts:
    """Variances of d_ri = μ + a_r + c_i + (ac)_ri + e_ri, with e's of one answer."""

    replicates: float
    shared_prompts: float
    prompts: float
    samples: float


def parts(chains: list[np.ndarray]) -> Parts:
    """Mean squares set equal to what they are expected to be; every prompt has a scored answer in every chain."""
    table = np.array([drifts(scores) for scores in chains])
    r, p = table.shape
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    ms_rows = p * ((rows - mean) ** 2).sum() / (r - 1)
    ms_columns = r * ((columns - mean) ** 2).sum() / (p - 1)
    ms_rest = ((table - rows[:, None] - columns[None, :] + mean) ** 2).sum() / ((r - 1) * (p - 1))
    used = np.array([scores[[0, *range(4, len(scores))]] for scores in chains])
    counts, late = (~np.isnan(used)).sum(axis=3), used.shape[1] - 1
    samples = np.nansum((used - np.nanmean(used, axis=3)[..., None]) ** 2) / (counts - 1).sum()
    error = samples * (1 / counts[:, 0] + (1 / counts[:, 1:]).sum(axis=1) / late**2).mean()
    return Parts(
        replicates=max(0.0, (ms_rows - ms_rest) / p),
        shared_prompts=max(0.0, (ms_columns - ms_rest) / r),
        prompts=max(0.0, ms_rest - error),
        samples=float(samples),
    )


def half_life(curve: np.ndarray) -> tuple[float, float, float]:
    """(half-life, λ, s_∞) of the least squares fit: for each λ a straight line in λ^j; the best of a fine grid."""
    rates = np.arange(0.0005, 0.9995, 0.0005)
    x = rates[:, None] ** np.arange(len(curve))
    middle = x.mean(axis=1, keepdims=True)
    slope = ((x - middle) * (curve - curve.mean())).sum(axis=1, keepdims=True) / ((x - middle) ** 2).sum(axis=1)[
        :, None
    ]
    limit = curve.mean() - slope * middle
    best = int(((curve - limit - slope * x) ** 2).sum(axis=1).argmin())
    return math.log(0.5) / math.log(rates[best]), float(rates[best]), float(limit[best, 0])


def idempotence_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """|s_{j+1} − s_j| over what re-measuring alone gives on average; two arrays of prompts × answers."""
    change = prompt_means(after[None]).mean() - prompt_means(before[None]).mean()
    errors = [_squared_error(scores) for scores in (before, after)]
    return float(abs(change) / (math.sqrt(sum(errors)) * math.sqrt(2 / math.pi)))


def _squared_error(scores: np.ndarray) -> float:
    """The variance of s(M) when the same model answers the same prompts again."""
    counts = (~np.isnan(scores)).sum(axis=1)
    return float((np.nanvar(scores, axis=1, ddof=1) / counts).sum() / len(scores) ** 2)


def wilson(hits: int, total: int, z: float) -> tuple[float, float]:
    """The roots of (p − hits/total)² = z²·p(1 − p)/total."""
    share = hits / total
    a, b, c = 1 + z * z / total, -(2 * share + z * z / total), share * share
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def adjusted(p_values: list[float]) -> list[float]:
    """Benjamini and Hochberg: of each p the least rate at which the step-up rule would take it."""
    n = len(p_values)
    ranked = sorted(p_values)
    return [min(1.0, min(n * q / (k + 1) for k, q in enumerate(ranked) if q >= p)) for p in p_values]
