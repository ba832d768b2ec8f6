"""How fast a chain forgets: s_j = s_∞ + (s_0 − s_∞)·λ^j fitted to a curve, or an honest reason why it cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from store.intervals import CONFIDENCE, Array

FEWEST = 5
"""Scored cycles below which three parameters fit anything."""
LOWEST, HIGHEST = 0.02, 0.98
"""λ beyond which a half-life is under 0.18 or over 34 cycles."""


@dataclass(frozen=True)
class Decay:
    """Half-life in cycles, λ and s_∞; all None where the curve does not tell them, and `reason` says why."""

    half_life: float | None
    rate: float | None = None
    limit: float | None = None
    reason: str | None = None


def fit_decay(scores: Sequence[float | None]) -> Decay:
    """Least squares over s_0 … s_N, None where a cycle has no score; half-life = ln ½ / ln λ.

    For a given λ the other two are linear (variable projection: Golub, Pereyra 1973, SIAM J. Numer. Anal. 10, 413–432),
    so only λ is searched. It counts as told when the fit beats a constant (F at 5 %), its 90 % profile interval ends
    inside 0.02–0.98 on both sides (Seber, Wild 1989, Nonlinear Regression, ch. 5), and s_∞ lies within 0–100.
    """
    held = [(j, score) for j, score in enumerate(scores) if score is not None]
    if len(held) < FEWEST:
        return Decay(None, reason=f"{len(held)} scored cycles; a half-life needs {FEWEST}")
    cycles, curve = np.array([j for j, _ in held], dtype=float), np.array([s for _, s in held], dtype=float)
    flat = float(((curve - curve.mean()) ** 2).sum())
    rate, left = _best_rate(cycles, curve)
    if not _beats_a_constant(flat, left, len(held)):
        return Decay(None, reason="no change beyond the curve's own scatter")
    edge = _open_edge(cycles, curve, left)
    if edge:
        return Decay(None, reason=edge)
    limit = float(_linear_part(cycles, curve, np.asarray(rate))[0])
    if not 0 <= limit <= 100:
        return Decay(None, reason=f"the curve has not bent yet: its fitted limit {limit:.0f} lies outside 0–100")
    return Decay(math.log(0.5) / math.log(rate), rate, limit)


def _linear_part(cycles: Array, curve: Array, rate: Array) -> tuple[Array, Array]:
    """s_∞ and s_0 − s_∞ by least squares, for every λ of an array."""
    powers = rate[..., None] ** cycles
    middle = powers.mean(axis=-1)
    apart = powers - middle[..., None]
    span: Array = (apart * (curve - curve.mean())).sum(axis=-1) / (apart**2).sum(axis=-1)
    return curve.mean() - span * middle, span


def _squares(cycles: Array, curve: Array, rate: Array) -> Array:
    """What the fit leaves over, for every λ of an array."""
    limit, span = _linear_part(cycles, curve, rate)
    fitted = limit[..., None] + span[..., None] * rate[..., None] ** cycles
    return np.asarray(((curve - fitted) ** 2).sum(axis=-1))


def _best_rate(cycles: Array, curve: Array) -> tuple[float, float]:
    """λ with the least squares, and these: a grid first, since the profile may have two valleys."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(LOWEST, HIGHEST, 49)
    best = int(np.argmin(_squares(cycles, curve, grid)))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    found = minimize_scalar(
        lambda rate: float(_squares(cycles, curve, np.asarray(rate))), bounds=around, method="bounded"
    )
    return float(found.x), float(found.fun)


def _beats_a_constant(flat: float, left: float, count: int) -> bool:
    from scipy.special import fdtrc

    if flat <= 1e-12 * count:
        return False
    statistic = (flat - left) / 2 / max(left / (count - 3), 1e-12 * flat)
    return bool(fdtrc(2, count - 3, statistic) < 0.05)


def _open_edge(cycles: Array, curve: Array, left: float) -> str | None:
    """Why λ is not bounded: the fit at an end of its range is not worse than its 90 % profile interval allows."""
    from scipy.special import fdtri

    freedom = len(curve) - 3
    allowed = left * (1 + float(fdtri(1, freedom, CONFIDENCE)) / freedom)
    if _squares(cycles, curve, np.asarray(HIGHEST)) <= allowed:
        return "too slow to tell: a straight line fits as well"
    if _squares(cycles, curve, np.asarray(LOWEST)) <= allowed:
        return "too fast to tell: a single step after M0 fits as well"
    return None
