from __future__ import annotations

import numpy as np
import pytest

from store.intervals import mean_of, p_above, p_different, t_bounds, t_interval
from store.statistics.core import curve, highest, judge_cells, judge_chains, labels, paired, prompt_drifts


def test_many_intervals_at_once_are_the_single_ones() -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (50, 7))
    values[::3, 5:] = np.nan
    many = t_bounds(values)
    for row, low, high in zip(values, many.low, many.high, strict=True):
        one = t_interval(row[~np.isnan(row)])
        assert (low, high) == (pytest.approx(one.low), pytest.approx(one.high))


def test_means_leave_out_what_is_not_there() -> None:
    found = mean_of(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]))
    assert found[0] == 2
    assert np.isnan(found[1])
    assert np.isnan(highest(np.array([np.nan, np.nan])))


def test_a_chain_by_hand() -> None:
    scores = np.array([[40.0, 44, 46], [40, 50, np.nan], [np.nan, 1, 2]])
    deltas = paired(scores)
    assert list(prompt_drifts(deltas)[:2]) == [5, 10]
    assert list(curve(deltas)) == [7, 6]
    found = judge_chains(deltas)
    assert (found.a, found.l) == (7, 7.5)


def test_one_cell_and_many_are_judged_alike() -> None:
    deltas = np.random.default_rng(2).normal(5, 5, (20, 5, 12, 3))
    many = judge_cells(deltas)
    for i in range(20):
        one = judge_cells(deltas[i])
        assert [float(v) for v in (one.a, one.l, one.low, one.high)] == pytest.approx(
            [float(v[i]) for v in (many.a, many.l, many.low, many.high)]
        )


def test_a_bound_that_is_not_there_decides_nothing() -> None:
    assert list(labels(np.array([np.nan, 6.0]), np.array([np.nan, 9.0]), np.array([20.0, 20.0]))) == [
        "UNDECIDED", "AMPLIFIED",
    ]  # fmt: skip


def test_p_values_are_scipys() -> None:
    from scipy.stats import ttest_1samp

    values = np.array([3.0, 9.0, 7.5, 12.0, 5.5])
    assert p_different(values) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert p_above(values, 5.0) == pytest.approx(ttest_1samp(values, 5, alternative="greater").pvalue)
    assert p_different(values[:1]) is None
    assert (p_different(np.zeros(3)), p_different(np.ones(3)), p_above(np.ones(3), 5.0)) == (1.0, 0.0, 1.0)
