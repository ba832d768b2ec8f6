from __future__ import annotations

import numpy as np
import pytest

from store.intervals import Array
from store.statistics.bootstrap import bootstrap_interval, key_of
from store.statistics.core import paired, replicate_drifts


def cell(replicates: int = 10, prompts: int = 6, answers: int = 4) -> Array:
    random = np.random.default_rng(7)
    level = np.zeros((replicates, prompts, 4))
    level[..., 1:] = 10 + random.normal(0, 5, (replicates, 1, 1)) + random.normal(0, 3, (replicates, prompts, 1))
    return level[..., None] + random.normal(0, 8, (*level.shape, answers))


def plain(draws: Array, times: int, seed: int) -> tuple[float, float]:
    """The same resampling in loops."""
    random = np.random.default_rng(seed)
    replicates, prompts, cycles, _ = draws.shape
    found = []
    for _ in range(times):
        late = []
        for r in random.integers(0, replicates, replicates):
            drifts = []
            for p in random.integers(0, prompts, prompts):
                held = [draws[r, p, c][~np.isnan(draws[r, p, c])] for c in range(cycles)]
                means = [float(random.choice(h, len(h)).mean()) for h in held]
                drifts.append(np.mean(means[1:]) - means[0])
            late.append(np.mean(drifts))
        found.append(np.mean(late))
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


def test_it_resamples_replicates_prompts_and_samples() -> None:
    draws = cell(replicates=4, prompts=3, answers=3)
    assert bootstrap_interval(draws, 1, 20_000) == pytest.approx(plain(draws, 2000, 2), abs=0.6)


def test_answers_that_are_not_there_are_not_drawn() -> None:
    draws = cell(replicates=4, prompts=3, answers=4)
    fewer = draws.copy()
    fewer[..., 3] = np.nan
    assert bootstrap_interval(fewer, 5) == pytest.approx(bootstrap_interval(draws[..., :3], 6), abs=0.5)
    lacking = draws.copy()
    lacking[0, 1] = np.nan
    low, high = bootstrap_interval(lacking, 5)
    [middle] = [float(np.mean(replicate_drifts(paired(np.nanmean(draws, axis=-1)))))]
    assert low < middle < high


def test_the_same_key_gives_the_same_interval() -> None:
    draws = cell()
    assert bootstrap_interval(draws, 11) == bootstrap_interval(draws, 11)
    assert bootstrap_interval(draws, 11) != bootstrap_interval(draws, 12)
    assert key_of(["b", "a"]) == key_of(["a", "b"]) != key_of(["a", "c"])


def test_a_replicate_without_prompts_is_refused() -> None:
    draws = cell()
    draws[3] = np.nan
    with pytest.raises(ValueError, match="cannot be resampled"):
        bootstrap_interval(draws, 1)
