from __future__ import annotations

import numpy as np
import pytest

from store.intervals import Array
from store.statistics.components import Components, cell_components, chain_components

TRUE = {"replicates": 16.0, "prompts": 25.0, "shared": 36.0, "samples": 100.0}


def cell(
    random: np.random.Generator, replicates: int = 6, prompts: int = 8, late: int = 3, answers: int = 5
) -> tuple[Array, Array]:
    """Prompt means and answers of a cell with the variances TRUE."""
    drift = (
        10
        + random.normal(0, TRUE["replicates"] ** 0.5, (replicates, 1, 1))
        + random.normal(0, TRUE["shared"] ** 0.5, (1, prompts, 1))
        + random.normal(0, TRUE["prompts"] ** 0.5, (replicates, prompts, 1))
    )
    level = np.concatenate([np.zeros((replicates, prompts, 1)), np.repeat(drift, late, axis=2)], axis=2)
    draws = level[..., None] + random.normal(0, TRUE["samples"] ** 0.5, (*level.shape, answers))
    return draws.mean(axis=-1), draws


def estimates(found: list[Components | None], name: str) -> float:
    values = [getattr(one, name) for one in found if one is not None]
    assert len(values) == len(found)
    return float(np.mean(values))


def test_the_estimators_find_what_was_planted() -> None:
    random = np.random.default_rng(1)
    found = [cell_components(*cell(random)) for _ in range(400)]
    assert estimates(found, "samples") == pytest.approx(100, rel=0.02)
    assert estimates(found, "measuring") == pytest.approx(100 * (1 + 1 / 3) / 5, rel=0.02)
    assert estimates(found, "prompts") == pytest.approx(25, rel=0.1)
    assert estimates(found, "replicates") == pytest.approx(16, rel=0.15)
    assert estimates(found, "shared") == pytest.approx(36, rel=0.15)


def test_unequal_answers_and_prompts_that_a_replicate_lacks() -> None:
    random = np.random.default_rng(2)
    found = []
    for _ in range(400):
        _, draws = cell(random)
        draws[:, ::2, 1:, 2:] = np.nan
        draws[0, 0] = np.nan
        held = ~np.isnan(draws)
        scores = np.where(held, draws, 0).sum(axis=-1) / np.where(held.any(axis=-1), held.sum(axis=-1), np.nan)
        found.append(cell_components(scores, draws))
    assert {one.prompt_count for one in found if one} == {7}
    assert estimates(found, "prompts") == pytest.approx(25, rel=0.1)
    assert estimates(found, "replicates") == pytest.approx(16, rel=0.15)


def test_one_chain_tells_samples_from_prompts() -> None:
    random = np.random.default_rng(3)
    found = [chain_components(*(part[0] for part in cell(random, replicates=1))) for _ in range(400)]
    assert estimates(found, "prompts") == pytest.approx(25 + 36, rel=0.1)
    assert {one.replicates for one in found if one} == {None}


def test_one_answer_a_prompt_leaves_samples_untold() -> None:
    scores, draws = cell(np.random.default_rng(4), answers=1)
    found = cell_components(scores, draws)
    assert found is not None
    assert (found.samples, found.measuring, found.answers) == (None, 0.0, None)


def test_too_little_for_components_is_none() -> None:
    scores, draws = cell(np.random.default_rng(5))
    assert cell_components(scores[:1], draws[:1]) is None
    assert cell_components(scores[:, :1], draws[:, :1]) is None
    assert chain_components(scores[0, :1], draws[0, :1]) is None


def test_shares_add_up() -> None:
    found = cell_components(*cell(np.random.default_rng(6)))
    assert found is not None
    assert sum(found.shares().values()) == pytest.approx(1)
    still = cell_components(np.zeros((3, 4, 2)), np.zeros((3, 4, 2, 5)))
    assert still is not None
    assert still.shares() == {}
