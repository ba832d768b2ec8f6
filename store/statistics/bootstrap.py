"""The hierarchical bootstrap of a cell's L: replicates, then prompts, then samples, each drawn with replacement.

Source: Davison, Hinkley (1997), Bootstrap Methods, §3.8; Saravanan, Berman, Sober (2020), Neurons, Behavior, Data
Analysis, and Theory 3(5). A percentile interval is too narrow below ten replicates, so none is given there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from store.intervals import CONFIDENCE, Array, mean_of
from store.statistics.core import paired, replicate_drifts

RESAMPLES = 5000
CHUNK = 4_000_000
"""Numbers drawn at a time: bounds memory, not the result's meaning."""

Places = NDArray[np.int64]


def key_of(names: Iterable[str]) -> int:
    """A seed that depends on what is resampled and on nothing else: the first 64 bits of a hash of the sorted names."""
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def bootstrap_interval(draws: Array, key: int, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The 5 and 95 % quantiles of L over resamples, from single answers (R, P, 1 + J, S), scored ones first.

    The seed and the order of the arrays decide every draw. ValueError for a replicate without a paired prompt.
    """
    usable = _usable_prompts(draws)
    if (usable.counts == 0).any():
        raise ValueError("a replicate without a prompt scored at cycle 0 and late cannot be resampled")
    random = np.random.default_rng(key)
    size = max(1, CHUNK // draws.size)
    steps = [min(size, resamples - start) for start in range(0, resamples, size)]
    drifts = np.concatenate([_resampled(draws, usable, random, step) for step in steps])
    low, high = np.quantile(drifts, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


class _Usable:
    """Per replicate: its prompts that have a drift, first in `order` (R, P), and their number (R)."""

    def __init__(self, held: NDArray[np.bool_]) -> None:
        self.order: Places = np.argsort(~held, axis=1, kind="stable")
        self.counts: Places = held.sum(axis=1)


def _usable_prompts(draws: Array) -> _Usable:
    scored = (~np.isnan(draws)).sum(axis=-1)
    return _Usable((scored[..., 0] > 0) & (scored[..., 1:].sum(axis=-1) > 0))


def _resampled(draws: Array, usable: _Usable, random: np.random.Generator, times: int) -> Array:
    """L of `times` resampled cells."""
    replicates, prompts, cycles, _ = draws.shape
    r = random.integers(0, replicates, (times, replicates))
    counts = usable.counts[r][..., None]
    place = _Below(np.broadcast_to(counts, (*r.shape, prompts))).draw(random)
    p = usable.order[r[..., None], place]
    means = _answer_means(draws, (r[..., None] * prompts + p)[..., None] * cycles + np.arange(cycles), random)
    means[np.arange(prompts) >= counts] = np.nan
    return mean_of(replicate_drifts(paired(means)))


def _answer_means(draws: Array, places: Places, random: np.random.Generator) -> Array:
    """The mean of as many answers, drawn with replacement, as each of these prompts and cycles has; NaN for none.

    `places` count prompts and cycles through all replicates. One answer of each at a time, which stays in the cache.
    """
    answers = draws.shape[-1]
    flat, held = draws.reshape(-1), (~np.isnan(draws)).sum(axis=-1).reshape(-1).take(places)
    whole = bool(held.min() == answers)
    total, first, below = np.zeros(places.shape), places * answers, _Below(held)
    for turn in range(answers):
        drawn = flat.take(first + below.draw(random))
        np.add(total, drawn, out=total, where=True if whole else turn < held)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / held)


class _Below:
    """Whole numbers in 0…bound − 1, one for each bound, 0 for a bound of 0."""

    def __init__(self, bounds: Places) -> None:
        self._bounds, self._last = bounds.astype(np.float32), np.maximum(bounds - 1, 0)

    def draw(self, random: np.random.Generator) -> Places:
        """New ones."""
        drawn = random.random(self._bounds.shape, dtype=np.float32)
        drawn *= self._bounds
        whole = drawn.astype(np.int64)
        return np.minimum(whole, self._last, out=whole)
