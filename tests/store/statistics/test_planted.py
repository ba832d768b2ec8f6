"""The measures and the advice on curves and cells whose truth is planted, beside the same by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from store.statistics.bootstrap import bootstrap_interval
from store.statistics.components import Components
from store.statistics.deciding import Design, what_decides
from store.statistics.halflife import fit_decay
from store.statistics.measures import idempotence
from store.statistics.rates import adjusted, wilson
from tests.store.statistics import by_hand
from tests.store.statistics.planted import LATE, Size, Truth, cell, half_width
from tests.store.statistics.planted_table import ADVISED, BOOTSTRAPPED, tried

CYCLES = np.arange(7)
NONE: dict[str, np.ndarray] = {
    "flat": 40.0 + 0 * CYCLES,
    "a straight line": 60.0 - 5 * CYCLES,
    "growth": 20 * 1.25**CYCLES,
    "a swing": 50 + 15.0 * (-1.0) ** CYCLES,
    "a single step": np.where(CYCLES > 0, 20.0, 60.0),
    "a late drop": np.where(CYCLES > 3, 20.0, 60.0),
    "a hump": 30 + 20 * np.exp(-((CYCLES - 3.0) ** 2) / 2),
}
QUANTILE = {n: by_hand.t_quantile(0.95, n - 1) for n in range(3, 61)}


@pytest.mark.parametrize(
    ("half_life", "noise", "told"), [(0.5, 2.0, 0.95), (1.0, 4.0, 0.95), (1.5, 4.0, 0.85), (3.0, 1.0, 0.95)]
)
def test_a_planted_half_life_is_told_and_is_the_least_squares_one(half_life: float, noise: float, told: float) -> None:
    random = np.random.default_rng(3)
    curves = 15 + 55 * 0.5 ** (CYCLES / half_life) + random.normal(0, noise, (60, 7))
    found = [fit_decay(list(curve)).half_life for curve in curves]
    held = [value for value in found if value is not None]
    assert len(held) >= 60 * told
    assert np.median(held) == pytest.approx(half_life, rel=0.15)
    for curve, value in zip(curves[:15], found[:15], strict=True):
        if value is not None:
            assert value == pytest.approx(by_hand.half_life(curve)[0], rel=0.01)


def test_a_slow_half_life_under_noise_is_seldom_told_and_then_too_short() -> None:
    random = np.random.default_rng(3)
    curves = 15 + 55 * 0.5 ** (CYCLES / 3.0) + random.normal(0, 4, (300, 7))
    held = [value for curve in curves if (value := fit_decay(list(curve)).half_life) is not None]
    assert 0.3 < len(held) / 300 < 0.5
    assert np.median(held) == pytest.approx(2.1, abs=0.3)


@pytest.mark.parametrize("noise", [1.0, 3.0])
@pytest.mark.parametrize("shape", NONE)
def test_a_curve_without_a_half_life_is_hardly_ever_given_one(shape: str, noise: float) -> None:
    random = np.random.default_rng(4)
    found = [fit_decay(list(NONE[shape] + random.normal(0, noise, 7))) for _ in range(200)]
    assert sum(fit.half_life is not None for fit in found) <= 0.07 * 200


def test_a_model_measured_twice_has_a_mean_ratio_of_one_and_is_flagged_in_one_case_of_twenty() -> None:
    """Answers on five levels as rubrics have them, unequal numbers of them, far from normal."""
    random = np.random.default_rng(5)
    ratios = []
    for _ in range(1500):
        chances = random.dirichlet(np.ones(5), 12)
        twice = []
        for _ in range(2):
            counts = random.integers(8, 21, 12)
            drawn = [random.choice(np.arange(0, 101, 25), n, p=p) for n, p in zip(counts, chances, strict=True)]
            twice.append({str(i): scores.tolist() for i, scores in enumerate(drawn)})
        found = idempotence(*twice).value
        assert found is not None
        ratios.append(found)
    assert np.mean(ratios) == pytest.approx(1, abs=0.04)
    assert np.mean(np.array(ratios) > 2.46) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(("hits", "total"), [(12, 270), (1, 7), (3, 3), (0, 12)])
def test_wilsons_ends_are_the_roots_of_his_equation(hits: int, total: int) -> None:
    found = wilson(hits, total)
    assert (found.low, found.high) == pytest.approx(by_hand.wilson(hits, total, 1.959964), abs=1e-6)


def test_a_table_of_cells_adjusted_on_paper() -> None:
    """Fifteen p-values of Benjamini and Hochberg (1995), § 4.1: at 5 % their rule takes the first four."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    q = [
        0.0015,
        0.003,
        0.0095,
        0.035625,
        0.0603,
        0.063857,
        0.063857,
        0.0645,
        0.0765,
        0.486,
        0.58118,
        0.714875,
        0.75323,
        0.81321,
        1.0,
    ]
    assert adjusted(p) == pytest.approx(q, abs=1e-5)
    assert sum(value <= 0.05 for value in adjusted(p) if value is not None) == 4
    assert adjusted([0.04, None, 0.01, 0.04]) == [pytest.approx(0.04), None, pytest.approx(0.03), pytest.approx(0.04)]
    assert [value for value in adjusted(p[::-1]) if value is not None] == pytest.approx(by_hand.adjusted(p[::-1]))


@pytest.mark.parametrize("size", [Size(5, 12, 10), Size(9, 12, 10), Size(5, 30, 10), Size(5, 12, 40)], ids=str)
def test_the_predicted_width_is_the_one_that_fresh_cells_have(size: Size) -> None:
    truth, random = Truth(replicates=3, prompts=8, answers=20, drift=8), np.random.default_rng(6)
    t = QUANTILE[size.replicates]
    squares = [half_width(cell(truth, size, random), t) ** 2 for _ in range(400)]
    assert np.mean(squares) == pytest.approx(truth.half_width_squared(size, t), rel=0.12)


def test_the_design_that_is_advised_is_the_smallest_whose_predicted_width_is_enough() -> None:
    """With the variances known and L two points from the edge, counted up one by one."""
    truth, now, distance = Truth(replicates=1, prompts=6, answers=25, drift=7), Size(6, 12, 8), 2.2
    parts = Components(
        truth.answers**2, truth.answers**2 * (1 + 1 / LATE) / now.answers, truth.prompts**2, 1.0, 0.0, 12, 8
    )
    deviation = math.sqrt(truth.half_width_squared(now, 1.0) * now.replicates)
    needed = what_decides(5 + distance, deviation, Design(now.replicates, now.prompts, now.answers, LATE, 6), parts)

    def counted(grown: Callable[[int], Size], start: int) -> int:
        sizes = ((n, grown(n)) for n in range(start + 1, 60))
        return next(n for n, s in sizes if truth.half_width_squared(s, QUANTILE[s.replicates]) < distance**2)

    assert needed.replicates == counted(lambda n: Size(n, now.prompts, now.answers), now.replicates)
    assert needed.prompts == counted(lambda n: Size(now.replicates, n, now.answers), now.prompts)
    assert needed.samples == counted(lambda n: Size(now.replicates, now.prompts, n), now.answers)


@pytest.mark.proof
@pytest.mark.parametrize(("truth", "size"), ADVISED, ids=str)
def test_the_width_that_undecided_cells_are_promised_comes_about(truth: Truth, size: Size) -> None:
    found = tried(truth, size, 300, ("replicates",))["replicates"]
    assert len(found.widths) > 100
    assert 0.7 < np.median(found.widths) < 1.05
    assert np.mean(found.decided) > 0.6


@pytest.mark.parametrize("truth", BOOTSTRAPPED, ids=str)
def test_the_bootstrap_is_as_wide_as_its_three_draws_add_up_to(truth: Truth) -> None:
    """Each draw adds (m − 1)/m of what varies at its level and below: samples count three times, training once."""
    size, random = Size(10, 6, 4), np.random.default_rng(9)
    r, p, n = size.replicates, size.prompts, size.answers
    error = truth.answers**2 * (1 + 1 / LATE) / n
    within = truth.prompts**2 + error
    variance = (
        (r - 1) / r * (truth.replicates**2 + within / p) + (p - 1) / p * within / p + (n - 1) / n * error / p
    ) / r
    ends = [bootstrap_interval(cell(truth, size, random), key, resamples=800) for key in range(40)]
    assert np.mean([((high - low) / 2 / 1.645) ** 2 for low, high in ends]) == pytest.approx(variance, rel=0.15)


@pytest.mark.proof
def test_both_bootstraps_agree_within_what_chance_leaves() -> None:
    random = np.random.default_rng(8)
    for key in range(4):
        scores = cell(Truth(5, 4, 15, 10), Size(10, 12, 10), random)
        chains = [
            np.concatenate([replicate[:, :1]] + [replicate[:, :1]] * 3 + [replicate[:, 1:]], axis=1)
            for replicate in scores
        ]
        drawn = by_hand.bootstrap([chain.transpose(1, 0, 2) for chain in chains], 5000, key)
        known = math.sqrt(0.05 * 0.95 * 2 / 5000) / 0.103 * drawn.std()
        assert bootstrap_interval(scores, key) == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), abs=4 * known)
