from __future__ import annotations

import math

import numpy as np
import pytest

from store.intervals import t_interval, t_quantile
from store.statistics.components import Components
from store.statistics.deciding import Design, decision, needed_replicates, what_decides

DESIGN = Design(replicates=5, prompts=12, answers=10.0, late=3, cycles=6)


def parts(samples: float, prompts: float, replicates: float) -> Components:
    measuring = samples * (1 + 1 / DESIGN.late) / (DESIGN.answers or 1)
    return Components(samples, measuring, prompts, replicates, 0.0, DESIGN.prompts, DESIGN.answers)


def variance(found: Components, design: Design = DESIGN) -> float:
    """Of one replicate's L."""
    assert found.samples is not None
    assert found.replicates is not None
    measuring = found.samples * (1 + 1 / design.late) / (design.answers or 1)
    return found.replicates + (found.prompts + measuring) / design.prompts


def half_width(found: Components, replicates: int = 5, prompts: int = 12, answers: float = 10.0) -> float:
    design = Design(replicates, prompts, answers, DESIGN.late, DESIGN.cycles)
    return t_quantile(replicates - 1) * math.sqrt(variance(found, design) / replicates)


@pytest.mark.parametrize("found", [parts(4000, 5, 1), parts(500, 400, 1), parts(200, 30, 25)])
def test_what_is_said_to_decide_decides_and_one_less_does_not(found: Components) -> None:
    l_, distance = 7.0, 2.0
    needed = what_decides(l_, math.sqrt(variance(found)), DESIGN, found)
    for name, count, floor in (("replicates", needed.replicates, 6), ("prompts", needed.prompts, 13)):
        if count is not None:
            assert half_width(found, **{name: count}) < distance
            assert count == floor or half_width(found, **{name: count - 1}) >= distance
    if needed.samples is not None:
        assert half_width(found, answers=needed.samples) < distance
        assert half_width(found, answers=needed.samples - 1) >= distance


def test_noisy_answers_ask_for_samples() -> None:
    found = parts(4000, 5, 0.1)
    needed = what_decides(8, math.sqrt(variance(found)), DESIGN, found)
    assert needed.cheapest == "samples"
    assert needed.samples is not None
    told = decision(8, needed, DESIGN, found)
    assert told.startswith(f"undecided: about {needed.samples} answers a prompt (now 10), or ")
    assert told.endswith("would decide, the first at the least cost")


def test_where_replicates_dominate_nothing_else_decides() -> None:
    found = parts(100, 5, 100)
    needed = what_decides(8, math.sqrt(variance(found)), DESIGN, found)
    assert (needed.samples, needed.prompts, needed.cheapest) == (None, None, "replicates")
    told = decision(8, needed, DESIGN, found)
    assert "more samples or prompts alone would not: of L's variance 98% is replicates" in told


def test_on_the_edge_nothing_decides() -> None:
    found = parts(100, 5, 100)
    needed = what_decides(5.0, math.sqrt(variance(found)), DESIGN, found)
    assert (needed.samples, needed.prompts, needed.replicates, needed.cheapest) == (None, None, None, None)
    assert "more of anything is unlikely to decide" in decision(5.0, needed, DESIGN, found)


def test_needed_replicates_is_the_first_that_is_narrow_enough() -> None:
    found = needed_replicates(16.0, 7.0)
    assert found is not None
    assert t_quantile(found - 1) * 16 / math.sqrt(found) < 7 <= t_quantile(found - 2) * 16 / math.sqrt(found - 1)
    numbers = np.tile([-4.0, 12.0, 28.0], 2 + found // 3)
    assert (t_interval(numbers).low or 0) > 5
    assert needed_replicates(16.0, 0.0) is None
