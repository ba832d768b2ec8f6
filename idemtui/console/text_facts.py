"""What the reading rooms are given: the store's own records of texts, and how a room holds several of them."""

from __future__ import annotations

from dataclasses import dataclass

from store.labelling import Said
from store.ladders import LadderPrompt
from store.listing import Line, Order, SampleFilter
from store.readings import Reading
from store.texts import Judgement, Rung

__all__ = [
    "Judgement", "LadderPrompt", "Line", "Listing", "Order", "Reading", "Rung", "Rungs", "Said", "SampleFilter",
]  # fmt: skip


MEASURED = SampleFilter(purpose="eval")


@dataclass(frozen=True)
class Listing:
    """A list of samples: which, and in what order."""

    wanted: SampleFilter = MEASURED
    order: Order = "drawn"


@dataclass(frozen=True)
class Rungs:
    """Every answer to one prompt, from base to the newest generation."""

    run_id: str
    prompt: LadderPrompt
    answers: tuple[Rung, ...]

    @property
    def cycles(self) -> tuple[int, ...]:
        """The generations that answered, in order."""
        return tuple(sorted({answer.cycle for answer in self.answers}))

    @property
    def draws(self) -> tuple[int, ...]:
        """The draws that any generation has."""
        return tuple(sorted({answer.draw for answer in self.answers}))

    def answer(self, cycle: int, draw: int) -> Rung | None:
        """One generation's answer of one draw."""
        return next((a for a in self.answers if a.cycle == cycle and a.draw == draw), None)

    def trait(self, cycle: int) -> float | None:
        """The prompt's mean trait score at one generation."""
        values = [a.trait for a in self.answers if a.cycle == cycle and a.trait is not None]
        return sum(values) / len(values) if values else None
