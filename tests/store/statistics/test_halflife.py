from __future__ import annotations

import math

import numpy as np
import pytest

from store.statistics.halflife import fit_decay


def decaying(start: float, limit: float, half_life: float, cycles: int) -> list[float | None]:
    return [float(limit + (start - limit) * 0.5 ** (j / half_life)) for j in range(cycles + 1)]


@pytest.mark.parametrize(("half_life", "start", "limit"), [(1.0, 60, 10), (2.0, 80, 5), (0.5, 50, 20), (1.5, 20, 70)])
def test_a_clean_decay_is_found(half_life: float, start: float, limit: float) -> None:
    found = fit_decay(decaying(start, limit, half_life, 8))
    assert found.half_life == pytest.approx(half_life, rel=1e-2)
    assert found.limit == pytest.approx(limit, abs=0.5)
    assert found.rate == pytest.approx(math.exp(math.log(0.5) / half_life), rel=1e-2)


def test_a_noisy_decay_is_found_about() -> None:
    random = np.random.default_rng(8)
    curve = decaying(70, 10, 1.5, 12)
    fits = [fit_decay([(s or 0) + e for s, e in zip(curve, random.normal(0, 2, 13), strict=True)]) for _ in range(100)]
    found = [fit.half_life for fit in fits if fit.half_life is not None]
    assert len(found) > 90
    assert np.median(found) == pytest.approx(1.5, rel=0.15)


def test_noise_alone_rarely_has_a_half_life() -> None:
    random = np.random.default_rng(9)
    fits = [fit_decay(list(40 + random.normal(0, 4, 7))) for _ in range(300)]
    assert np.mean([fit.half_life is not None for fit in fits]) < 0.05
    assert all(fit.reason for fit in fits if fit.half_life is None)


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        ([50, 40, 30, None, None], "3 scored cycles"),
        ([40.0] * 7, "no change beyond the curve's own scatter"),
        ([60, 50, 40, 30, 20, 10.2], "too slow to tell"),
        ([60, 10, 10.1, 9.9, 10, 10.1, 9.9], "too fast to tell"),
        ([10, 20, 31, 43.1, 56.4, 71.1, 87.2], "too slow to tell"),
        ([20, 31.5, 42.1, 52.2, 61.3, 70.2, 78.2], "outside 0–100"),
    ],
)  # fmt: skip
def test_what_a_curve_does_not_tell_has_a_reason(curve: list[float | None], reason: str) -> None:
    found = fit_decay(curve)
    assert found.half_life is None
    assert reason in (found.reason or "")


def test_a_cycle_without_a_score_is_left_out_at_its_place() -> None:
    curve = decaying(60, 10, 1.0, 8)
    curve[3] = None
    assert fit_decay(curve).half_life == pytest.approx(1, rel=1e-2)
