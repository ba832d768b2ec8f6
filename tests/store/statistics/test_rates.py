from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.statistics.rates import adjusted, wilson


def test_the_papers_twelve_of_two_hundred_and_seventy() -> None:
    found = wilson(12, 270)
    assert [f"{100 * share:.1f}" for share in (found.rate or 0, found.low or 0, found.high or 0)] == [
        "4.4",
        "2.6",
        "7.6",
    ]


def test_no_hits_and_nothing_but_hits_end_at_the_edge() -> None:
    none, all_ = wilson(0, 10), wilson(10, 10)
    assert (none.low, none.high) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert (all_.low, all_.high) == (pytest.approx(0.7225, abs=1e-4), 1.0)


def test_nothing_tried_is_no_rate() -> None:
    assert (wilson(0, 0).rate, wilson(0, 0).low) == (None, None)
    with pytest.raises(ValueError, match="3 of 2 is no rate"):
        wilson(3, 2)


def test_wilson_is_scipys() -> None:
    from scipy.stats import binomtest

    for hits, total in ((1, 7), (12, 270), (5, 5), (0, 3)):
        theirs = binomtest(hits, total).proportion_ci(0.95, method="wilson")
        found = wilson(hits, total)
        assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))


@given(st.lists(st.none() | st.floats(0, 1), max_size=30))
def test_adjustment_is_scipys_on_the_p_values_there_are(p_values: list[float | None]) -> None:
    from scipy.stats import false_discovery_control

    found = adjusted(p_values)
    assert [q is None for q in found] == [p is None for p in p_values]
    held = [p for p in p_values if p is not None]
    if held:
        expected = false_discovery_control(np.array(held))
        assert [q for q in found if q is not None] == pytest.approx(list(expected))
