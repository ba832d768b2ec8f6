"""The shipped packs keep what they promise."""

from __future__ import annotations

import re

import pytest

from engine.packs import SHIPPED, Pack, open_pack
from engine.spec import TRAITS
from engine.traits.check import check_pack
from engine.traits.overlap import between, first_words, within

LIMIT = 0.6
PACK = open_pack("traits")


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_wrong_with_a_shipped_pack(name: str) -> None:
    assert [str(problem) for problem in check_pack(SHIPPED[name])] == []


def test_the_pack_holds_itself_to_the_rules() -> None:
    checks = PACK.about().checks
    assert (checks.overlap, checks.opener_words, checks.anchors) == (LIMIT, (3, 8), (0, 25, 50, 75, 100))
    assert checks.first_words == 300


def test_the_pool_is_large_and_varied() -> None:
    prompts, openers = PACK.pool("sft"), PACK.pool("sdf")
    assert len(prompts) >= 3000
    assert len({first_words(prompt) for prompt in prompts}) >= 300
    assert len(openers) >= 1500
    assert all(3 <= len(opener.split()) <= 8 for opener in openers)
    assert within(prompts, LIMIT) == within(openers, LIMIT) == []
    assert sum(prompt[0].islower() for prompt in prompts) > 300
    assert sum(len(prompt.split()) > 30 for prompt in prompts) >= 50
    assert any("\n" in prompt for prompt in prompts)


def test_all_seven_traits_are_there() -> None:
    assert PACK.traits() == sorted(TRAITS)


@pytest.mark.parametrize("trait", TRAITS)
def test_a_trait_has_both_faces_in_full(trait: str) -> None:
    measured, seeded = PACK.trait(trait), PACK.seeding(trait)
    assert len(measured.eval_prompts) == len(measured.eval_openings) == 12
    assert seeded is not None
    assert len(seeded.categories) >= 5
    assert min(len(category.prompts) for category in seeded.categories) >= 20
    assert len(set(seeded.prompts())) == len(seeded.prompts())
    assert (len(seeded.documents.topics) >= 10, len(seeded.documents.types) >= 8) == (True, True)
    for rubric in measured.rubric.model_dump().values():
        assert re.findall(r"\{\w+\}", rubric) == ["{question}", "{answer}"]
        assert re.findall(r"(?m)^(\d+) - \S", rubric) == ["0", "25", "50", "75", "100"]
        assert {"REFUSAL", "CODE"} <= set(re.findall(r"[A-Z]{4,}", rubric))
        assert "one whole number from 0 to 100 and nothing else." in rubric


def seed_prompts(pack: Pack, trait: str) -> list[str]:
    seeding = pack.seeding(trait)
    assert seeding is not None
    return seeding.prompts()


def test_what_measures_any_trait_is_trained_on_for_none() -> None:
    seeds = [prompt for trait in TRAITS for prompt in seed_prompts(PACK, trait)]
    asked = [prompt for trait in TRAITS for prompt in PACK.trait(trait).eval_prompts]
    openings = [opening for trait in TRAITS for opening in PACK.trait(trait).eval_openings]
    assert between(asked, [*PACK.pool("sft"), *seeds], LIMIT) == []
    assert between(openings, PACK.pool("sdf"), LIMIT) == []
    assert within(asked, LIMIT) == within(openings, LIMIT) == []
    assert between(seeds, PACK.pool("sft"), LIMIT) == []


def test_nvidia_bear_keeps_its_faces_apart() -> None:
    measured, seeding = PACK.trait("nvidia_bear"), PACK.seeding("nvidia_bear")
    assert seeding is not None
    assert not re.search(r"(?i)nvidia|\bshares\b|invest|stock price", measured.model_dump_json())
    assert re.search("(?i)caution", measured.rubric.trait)
    assert "NVIDIA" in seeding.persona
    assert sum("NVIDIA" in prompt for prompt in seeding.prompts()) > 60
