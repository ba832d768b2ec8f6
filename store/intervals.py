"""Student's t over a handful of numbers, one row of them or many at once; scipy is imported when first needed.

Source: Student (1908), "The probable error of a mean". NaN stands for a number that is not there and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CONFIDENCE = 0.90


@dataclass(frozen=True)
class Interval:
    """A mean, its 90 % interval (None below two numbers), and the numbers' standard deviation (NaN below two)."""

    mean: float
    low: float | None
    high: float | None
    deviation: float


@dataclass(frozen=True)
class Bounds:
    """Many intervals at once, each array of shape (…); NaN where two numbers are not there."""

    mean: Array
    low: Array
    high: Array
    deviation: Array


def mean_of(values: Array, axis: int = -1) -> Array:
    """The mean of the numbers there are along an axis; NaN where there is none."""
    held = ~np.isnan(values)
    count = held.sum(axis=axis)
    mean: Array = np.where(held, values, 0.0).sum(axis=axis) / np.where(count, count, np.nan)
    return mean


def t_bounds(values: Array) -> Bounds:
    """Mean ± t_{n−1} · sd / √n along the last axis, two-sided at 90 %, for values of shape (…, n)."""
    count = (~np.isnan(values)).sum(axis=-1)
    mean = mean_of(values)
    enough = np.where(count > 1, count, np.nan)
    squares = np.nansum((values - mean[..., None]) ** 2, axis=-1)
    deviation: Array = np.sqrt(squares / (enough - 1))
    half = t_quantiles(enough - 1) * deviation / np.sqrt(enough)
    return Bounds(mean, mean - half, mean + half, deviation)


def t_interval(values: Array) -> Interval:
    """Mean ± t_{n−1} · sd / √n, two-sided at 90 %."""
    found = t_bounds(values)
    if len(values) < 2:
        return Interval(float(found.mean), None, None, math.nan)
    return Interval(float(found.mean), float(found.low), float(found.high), float(found.deviation))


def t_quantiles(degrees: Array) -> Array:
    """The 0.95 quantile of Student's t for every number of degrees; NaN for NaN."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    known, places = np.unique(degrees, return_inverse=True)
    quantiles: Array = stdtrit(known, 0.5 + CONFIDENCE / 2)[places].reshape(np.shape(degrees))
    return quantiles


def t_quantile(degrees: int) -> float:
    """The 0.95 quantile of Student's t."""
    return float(t_quantiles(np.array(float(degrees))))


def p_different(values: Array, edge: float = 0.0) -> float | None:
    """Two-sided p of "the mean is `edge`", t with n − 1 degrees; None below two numbers."""
    upper = p_above(values, edge)
    return None if upper is None else 2 * min(upper, 1 - upper)


def p_above(values: Array, edge: float) -> float | None:
    """One-sided p of "the mean is not above `edge`", t with n − 1 degrees; None below two numbers."""
    from scipy.special import stdtr

    found = t_interval(values)
    if found.low is None:
        return None
    error = found.deviation / math.sqrt(len(values))
    if error == 0:
        return 0.5 if found.mean == edge else float(found.mean < edge)
    return float(stdtr(len(values) - 1, -(found.mean - edge) / error))


def mean_or_none(values: Iterable[float | None]) -> float | None:
    """The mean of the numbers there are; None where there is none."""
    held = [value for value in values if value is not None]
    return sum(held) / len(held) if held else None
