from __future__ import annotations

import numpy as np
import pytest

from store.statistics.measures import FLAGGED_ABOVE, idempotence, idempotence_ratios, retention

PROMPTS = ("a", "b", "c")


def scores(*curve: float | None) -> dict[int, dict[str, float | None]]:
    """Scores at base, M_0, M_1, …, three prompts a point apart."""
    return {
        cycle: {p: None if s is None else s + i for i, p in enumerate(PROMPTS)}
        for cycle, s in enumerate(curve, start=-1)
    }


def test_retention_is_the_share_that_is_left() -> None:
    assert retention(scores(10, 50, 30, 10), 1).value == pytest.approx(0.5)
    assert retention(scores(10, 50, 30, 10), 2).value == pytest.approx(0)


def test_retention_of_a_seeding_that_did_nothing_has_a_reason() -> None:
    trait = {-1: {"a": 10.0, "b": 12.0}, 0: {"a": 13.0, "b": 9.0}, 1: {"a": 5.0, "b": 5.0}}
    found = retention(trait, 1)
    assert found.value is None
    assert "nothing that could be retained" in (found.reason or "")


def test_retention_uses_the_prompts_that_all_three_have() -> None:
    trait = scores(10, 50, 30)
    trait[1] = {"a": 30.0, "b": 31.0, "c": None}
    assert retention(trait, 1).value == pytest.approx(0.5)
    assert retention(scores(10, 50, None), 1).reason == "0 prompts are scored at base, M0 and M1; two are needed"


def test_re_measuring_one_model_has_a_mean_ratio_of_one_and_is_flagged_in_one_case_of_twenty() -> None:
    random = np.random.default_rng(5)
    level = random.normal(50, 20, (12, 1))
    before, after = level + random.normal(0, 15, (2, 20_000, 12, 10))
    ratios = idempotence_ratios(before, after)
    assert ratios.mean() == pytest.approx(1, abs=0.02)
    assert (ratios > FLAGGED_ABOVE).mean() == pytest.approx(0.05, abs=0.007)


def test_a_change_is_flagged() -> None:
    random = np.random.default_rng(6)
    before, after = ({p: random.normal(level, 5, 10) for p in PROMPTS} for level in (40, 60))
    found = idempotence(before, after)
    assert found.value is not None
    assert found.value > FLAGGED_ABOVE


def test_what_cannot_be_compared_has_a_reason() -> None:
    assert idempotence({"a": [1.0, 2.0]}, {"b": [1.0, 2.0]}).reason == "no prompt has two scored answers at both cycles"
    assert idempotence({"a": [1.0]}, {"a": [1.0, 2.0]}).value is None
    assert "never differ" in (idempotence({"a": [1.0, 1.0]}, {"a": [1.0, 1.0]}).reason or "")


def test_prompts_of_unequal_answers_are_padded() -> None:
    one = idempotence({"a": [1.0, 3.0], "b": [2.0, 4.0, 6.0]}, {"a": [2.0, 5.0, 8.0], "b": [1.0, 3.0]})
    by_hand = abs((5 + 2) / 2 - (2 + 4) / 2)
    squared = (2 / 2 + 4 / 3 + 9 / 3 + 2 / 2) / 4
    assert one.value == pytest.approx(by_hand / (squared**0.5 * (2 / np.pi) ** 0.5))
