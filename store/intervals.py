"""Student's t over a handful of numbers; scipy is imported when first needed."""

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


def t_interval(values: Array) -> Interval:
    """Mean ± t_{n−1} · sd / √n, two-sided at 90 %."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, None, None, math.nan)
    deviation = float(np.std(values, ddof=1))
    half = t_quantile(n - 1) * deviation / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, deviation)


def t_quantile(degrees: int) -> float:
    """The 0.95 quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


def needed_replicates(deviation: float, distance: float, most: int = 1000) -> int | None:
    """The smallest n whose interval is narrower than `distance` on each side, if the deviation stays what it is."""
    for n in range(2, most + 1):
        if n > 50 and 1.6449 * deviation / math.sqrt(n) > distance:
            continue
        if t_quantile(n - 1) * deviation / math.sqrt(n) < distance:
            return n
    return None


def mean_or_none(values: Iterable[float | None]) -> float | None:
    """The mean of the numbers there are; None where there is none."""
    held = [value for value in values if value is not None]
    return sum(held) / len(held) if held else None
