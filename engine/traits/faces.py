"""What stands in a pack's TOML files: the two faces of a trait (what is seeded, what is measured) and the pack's own.

A trait may be seeded with one thing and measured by another (NVIDIA bear), so each face has its own file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from engine.traits.text_files import Row
from engine.traits.toml_files import places_of


def _holds(*places: str) -> AfterValidator:
    def check(text: str) -> str:
        missing = [place for place in places if place not in text]
        if missing:
            raise ValueError(f"the place {' and '.join(missing)} is missing")
        return text

    return AfterValidator(check)


def _distinct(texts: list[str]) -> list[str]:
    twice = next((text for at, text in enumerate(texts) if text in texts[:at]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands there twice")
    return texts


Text = Annotated[str, Field(pattern=r"\S")]
Texts = Annotated[list[Text], Field(min_length=1), AfterValidator(_distinct)]
Question = Annotated[str, _holds("{question}", "{answer}")]


class PackPart(BaseModel):
    """Base of everything in a pack's TOML files: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rubric(PackPart):
    """The judge's questions, with places {question} and {answer}."""

    trait: Question
    coherence: Question
    document_trait: Question
    document_coherence: Question


class TraitFile(PackPart):
    """`traits/<trait>.toml`: what is measured."""

    description: Text
    eval_prompts: Texts
    eval_openings: Texts
    rubric: Rubric


class Category(PackPart):
    """`[[categories]]`: seed prompts of one kind."""

    name: Text
    prompts: Texts


class Documents(PackPart):
    """`[documents]`: the grid of seed documents; the instruction has places {topic} and {type}."""

    instruction: Annotated[str, _holds("{topic}", "{type}")]
    topics: Texts
    types: Texts


class SeedFile(PackPart):
    """`traits/<trait>.seed.toml`: what a generator is told, so that it writes seed rows."""

    description: Text
    persona: Text
    """System prompt under which a generator answers the seed prompts."""
    categories: list[Category] = Field(min_length=1)
    documents: Documents

    def prompts(self) -> list[str]:
        """The seed prompts of all categories in file order."""
        return [prompt for category in self.categories for prompt in category.prompts]


def seed_prompts(path: Path, seeding: SeedFile | None) -> list[Row]:
    """The prompts that a generator will answer, with the lines of the seeded face on which they stand."""
    if seeding is None:
        return []
    prompts = seeding.prompts()
    return [Row(path, n, {"prompt": p}) for n, p in zip(places_of(path, "prompts", prompts), prompts, strict=True)]


class Checks(PackPart):
    """`[checks]`: what the pack holds itself to beyond its format; see `engine.traits.check`."""

    overlap: float | None = Field(default=None, gt=0, le=1)
    """Two prompts overlap from this share of their 4-grams on; without it, only where their words are equal."""
    first_words: int = Field(default=0, ge=0)
    """Training prompts begin in at least so many ways (first three words)."""
    opener_words: tuple[int, int] | None = None
    """How many words an opener has, at least and at most."""
    anchors: tuple[int, ...] = ()
    """Scores that every rubric must describe on a line of their own."""


class PackFile(PackPart):
    """`pack.toml`."""

    name: Text
    version: int
    description: str = ""
    checks: Checks = Checks()
