from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.statistics.nullband import null_band


def test_the_band_is_the_range_of_both_controls_together() -> None:
    band = null_band(np.linspace(-10, 0, 50), np.linspace(0, 10, 50))
    assert (band.low, band.high, band.count) == (pytest.approx(-9, abs=0.2), pytest.approx(9, abs=0.2), 100)
    assert band.notes == ()


def test_without_controls_there_is_no_band() -> None:
    band = null_band([], [])
    assert (band.low, band.high, band.count) == (None, None, 0)
    assert band.notes == ("no null band: neither resample-only nor seed-only has a Δ",)
    assert null_band([None], []).low is None


def test_one_control_alone_makes_a_band_and_says_so() -> None:
    band = null_band([], [3.0])
    assert (band.low, band.high, band.count) == (3.0, 3.0, 1)
    assert band.notes[0] == "null band without resample-only: that control has no Δ"


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_its_ends_are_numpys_quantiles(deltas: list[float]) -> None:
    band = null_band(deltas, [])
    assert (band.low, band.high) == pytest.approx(tuple(np.quantile(deltas, [0.05, 0.95])), abs=1e-9)


def test_what_is_null_and_what_is_few_is_named() -> None:
    band = null_band([1.0, None, -1.0], [2.0])
    assert (band.count, band.low) == (3, pytest.approx(-0.8))
    assert band.notes == (
        "null band: 1 of 3 Δ of resample-only have no score and are left out",
        "null band of 3 Δ: below 20 it is about their lowest and highest",
    )
