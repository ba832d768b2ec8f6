"""How far two raters of the same answers agree: a person and a judge, two judges, one judge twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

ANCHORS = (0.0, 25.0, 50.0, 75.0, 100.0)
"""The rubric's five anchored levels."""


@dataclass(frozen=True)
class Agreement:
    """Of `n` answers that both rated, on 0–100; what cannot be said of so few or such equal ratings is None."""

    n: int
    pearson: float | None
    mean_difference: float | None
    """First minus second."""
    mean_absolute_difference: float | None
    kappa: float | None
    """Quadratic weighted, over the levels: 1 agreement, 0 what chance gives."""


def agreement(first: Sequence[float], second: Sequence[float], levels: Sequence[float] = ANCHORS) -> Agreement:
    """Ratings of the same answers in the same order; both shape (n,)."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.shape != b.shape:
        raise ValueError(f"{a.size} ratings beside {b.size}: both raters have to rate the same answers")
    if not a.size:
        return Agreement(0, None, None, None, None)
    return Agreement(
        int(a.size), pearson(a, b), float((a - b).mean()), float(np.abs(a - b).mean()), weighted_kappa(a, b, levels)
    )


def pearson(first: ArrayLike, second: ArrayLike) -> float | None:
    """Pearson's r of two series; None where one of them does not vary, or there are fewer than three pairs."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.size < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))


def weighted_kappa(first: ArrayLike, second: ArrayLike, levels: Sequence[float] = ANCHORS) -> float | None:
    """κ = 1 − Σ w·O / Σ w·E, w = (i − j)²/(k − 1)² over k levels, each rating at its nearest (Cohen 1968).

    None where chance alone would leave no disagreement: all ratings of both on one level.
    """
    scale = np.asarray(levels, float)
    i, j = (np.abs(np.asarray(r, float)[:, None] - scale).argmin(axis=1) for r in (first, second))
    k = len(scale)
    observed = np.zeros((k, k))
    np.add.at(observed, (i, j), 1 / len(i))
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    weights = (np.arange(k)[:, None] - np.arange(k)) ** 2 / (k - 1) ** 2
    chance = float((weights * expected).sum())
    return None if chance == 0 else 1 - float((weights * observed).sum()) / chance
