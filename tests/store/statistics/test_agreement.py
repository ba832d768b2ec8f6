from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.statistics.agreement import agreement, pearson, weighted_kappa

ratings = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=40)


def test_two_who_say_the_same_agree_wholly() -> None:
    found = agreement([0, 25, 50, 100], [0, 25, 50, 100])
    assert (found.n, found.pearson, found.mean_difference, found.kappa) == (4, 1.0, 0.0, 1.0)


def test_a_shift_is_seen_in_the_difference_and_not_in_the_correlation() -> None:
    found = agreement([10, 30, 50, 70], [20, 40, 60, 80])
    assert found.pearson == pytest.approx(1)
    assert (found.mean_difference, found.mean_absolute_difference) == (-10, 10)


def test_kappa_by_hand() -> None:
    # levels 0 and 2 of 3, O = [[2, 0, 0], [0, 0, 0], [1, 0, 1]] / 4, w·O = 1/4, E = (3/4, 1/4) x (1/2, 1/2): w·E = 1/2
    assert weighted_kappa([0, 0, 100, 100], [0, 0, 0, 100], (0, 50, 100)) == pytest.approx(0.5)
    assert weighted_kappa([0, 100], [100, 0], (0, 100)) == pytest.approx(-1)


def test_what_cannot_be_said_is_none() -> None:
    assert agreement([], []) == agreement([], [], (0, 100))
    assert agreement([], []).mean_difference is None
    assert agreement([50, 50, 50], [50, 50, 50]).kappa is None
    assert agreement([50, 50, 50], [1, 2, 3]).pearson is None
    assert agreement([1, 2], [1, 2]).pearson is None
    with pytest.raises(ValueError, match="2 ratings beside 1"):
        agreement([1, 2], [1])


@given(ratings)
def test_whoever_comes_first_only_turns_the_difference(pairs: list[tuple[float, float]]) -> None:
    a, b = map(list, zip(*pairs, strict=True))
    one, two = agreement(a, b), agreement(b, a)
    assert one.mean_difference == pytest.approx(-two.mean_difference)  # type: ignore[operator]
    assert one.kappa == (None if two.kappa is None else pytest.approx(two.kappa))
    assert one.kappa is None or -1 - 1e-9 <= one.kappa <= 1
    assert pearson(a, b) is None or np.isfinite(pearson(a, b) or 0.0)
