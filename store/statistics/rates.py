"""Rates of a sweep with Wilson's interval, and p-values of many cells adjusted together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959963984540054
"""0.975 quantile of the normal distribution: rates carry 95 % intervals, as the paper's 12/270 = 4.4 % [2.6, 7.6]."""


@dataclass(frozen=True)
class Rate:
    """`hits` of `total`, as a share with its 95 % interval; all three None where nothing was tried."""

    hits: int
    total: int
    rate: float | None
    low: float | None
    high: float | None


def wilson(hits: int, total: int) -> Rate:
    """The score interval (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), two-sided at 95 %.

    Source: E. B. Wilson (1927), JASA 22, 209–212; Brown, Cai, DasGupta (2001), Statistical Science 16, 101–133.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is no rate")
    if total == 0:
        return Rate(hits, total, None, None, None)
    share, spread = hits / total, Z95**2 / total
    centre = share + spread / 2
    half = Z95 * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    return Rate(hits, total, share, 0.0 if hits == 0 else low, 1.0 if hits == total else high)


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini–Hochberg q of every p: q_(k) = min over m ≥ k of p_(m)·n/m; None stays None and is not counted.

    Cells with q ≤ α hold at most a share α of false findings, on average, for independent or positively dependent p.
    Source: Benjamini, Hochberg (1995), JRSS B 57, 289–300.
    """
    places = [i for i, p in enumerate(p_values) if p is not None]
    held = np.array([p_values[i] for i in places], dtype=float)
    order = np.argsort(held)
    ratios = held[order] * len(held) / np.arange(1, len(held) + 1)
    lowest = np.minimum.accumulate(ratios[::-1])[::-1]
    found: list[float | None] = [None] * len(p_values)
    for place, q in zip(np.array(places, dtype=int)[order], lowest, strict=True):
        found[int(place)] = float(min(q, 1.0))
    return found
