"""How far two judges agree on the same answers, and whether a judge's scores follow an answer's length.

Intervals are percentiles over resampled eval prompts, since answers to one prompt stand or fall together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.intervals import CONFIDENCE, Array
from store.statistics.agreement import pearson, weighted_kappa
from store.statistics.bootstrap import key_of

RESAMPLES = 1000
FEWEST_PROMPTS = 5
"""With fewer prompts an interval over prompts says nothing, and none is given."""

Places = NDArray[np.int64]
Statistic = Callable[[Array, Array], float | None]


@dataclass(frozen=True)
class Estimate:
    """A number with its 90 % interval; None where it is not defined, or its interval not to be had."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Compared:
    """Two judges on `n` answers to `prompts` prompts that both gave a score; `difference` is second − first."""

    n: int
    prompts: int
    pearson: Estimate
    spearman: Estimate
    difference: Estimate
    kappa: Estimate


def compare_judges(first: Array, second: Array, prompts: Sequence[str]) -> Compared:
    """Agreement of two rows of scores 0…100, NaN for none, answer by answer; `prompts` names each answer's."""
    both = ~(np.isnan(first) | np.isnan(second))
    a, b, groups = first[both], second[both], _groups(np.asarray(prompts, dtype=object)[both])
    return Compared(
        len(a),
        len(groups),
        *(_estimate(statistic, a, b, groups, prompts) for statistic in (pearson, spearman, difference, _kappa)),
    )


def length_bias(scores: Array, lengths: Array, prompts: Sequence[str], given: Sequence[str] | None = None) -> Estimate:
    """Spearman's correlation of scores with lengths; `given` names groups whose means are taken off both before.

    So a generation that writes longer and is scored higher does not look like a judge that likes length.
    """
    held = ~(np.isnan(scores) | np.isnan(lengths))
    a, b = scores[held], lengths[held]
    if given is not None:
        groups = _groups(np.asarray(given, dtype=object)[held])
        a, b = _centred(a, groups), _centred(b, groups)
    return _estimate(spearman, a, b, _groups(np.asarray(prompts, dtype=object)[held]), prompts)


def spearman(a: Array, b: Array) -> float | None:
    """The correlation of mid-ranks, where there is one."""
    return pearson(_ranks(a), _ranks(b))


def difference(a: Array, b: Array) -> float | None:
    """Mean of second − first."""
    return float((b - a).mean()) if len(a) else None


def _kappa(a: Array, b: Array) -> float | None:
    return weighted_kappa(a, b) if len(a) else None


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    ranks: Array = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _groups(names: NDArray[np.object_]) -> list[Places]:
    """The places of each name, names in order."""
    places: dict[object, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return [np.array(places[name]) for name in sorted(places, key=str)]


def _centred(values: Array, groups: Sequence[Places]) -> Array:
    centred = values.astype(float).copy()
    for places in groups:
        centred[places] -= values[places].mean()
    return centred


def _estimate(statistic: Statistic, a: Array, b: Array, groups: Sequence[Places], names: Sequence[str]) -> Estimate:
    value = statistic(a, b)
    if value is None or len(groups) < FEWEST_PROMPTS:
        return Estimate(value)
    random = np.random.default_rng(key_of(set(names)))
    draws: list[float] = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([groups[place] for place in random.integers(len(groups), size=len(groups))])
        drawn = statistic(a[chosen], b[chosen])
        draws += [] if drawn is None else [drawn]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return Estimate(value, float(low), float(high))
