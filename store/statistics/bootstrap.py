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
    replicates, prompts, cycles, answers = draws.shape
    r = random.integers(0, replicates, (times, replicates))
    counts = usable.counts[r][..., None]
    place = _uniform_below(counts, random, (times, replicates, prompts))
    p = usable.order[r[..., None], place]
    left_out = np.arange(prompts) >= counts
    held = (~np.isnan(draws)).sum(axis=-1)[r[..., None], p]
    s = _uniform_below(held[..., None], random, (times, replicates, prompts, cycles, answers))
    base = ((r[..., None] * prompts + p)[..., None] * cycles + np.arange(cycles))[..., None] * answers
    values = draws.reshape(-1)[base + s]
    if held.min() < answers:
        values = np.where(np.arange(answers) < held[..., None], values, np.nan)
        means = mean_of(values)
    else:
        means = values.mean(axis=-1)
    means[left_out] = np.nan
    return mean_of(replicate_drifts(paired(means)))


def _uniform_below(bounds: Places, random: np.random.Generator, shape: tuple[int, ...]) -> Places:
    """Whole numbers in 0…bound − 1, 0 for a bound of 0."""
    drawn = (random.random(shape, dtype=np.float32) * bounds).astype(np.int64)
    return np.clip(drawn, 0, np.maximum(bounds - 1, 0))
