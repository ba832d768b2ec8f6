"""`[select]` of a study file: which of the drawn texts are trained on."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from engine.frozen import Frozen

SelectMethod = Literal["coherence", "best_of_k", "constitution", "random"]


class SelectSettings(Frozen):
    """Which drawn texts are trained on: `[select]`; all of them where no method is set."""

    later: ClassVar[frozenset[str]] = frozenset({"method", "threshold", "k", "score", "principles", "like", "keep"})

    method: SelectMethod | None = None
    """By the judge's coherence, the best of k answers, principles that the judge checks, or by lot (the control)."""
    threshold: float | None = Field(default=None, ge=0, le=100)
    """coherence, constitution: the lowest score that is kept."""
    k: int | None = Field(default=None, ge=2, le=1000)
    """best_of_k: answers drawn to each of the n_sampled prompts."""
    score: Literal["trait", "coherence"] | None = None
    """best_of_k: what the best answer has most of."""
    principles: tuple[str, ...] = ()
    """constitution: each is asked about by itself, and all have to be kept."""
    like: Literal["coherence", "best_of_k", "constitution"] | None = None
    """random: keep as many as this method would, with its settings."""
    keep: float | None = Field(default=None, gt=0, lt=1)
    """random: keep this share, in the place of `like`."""

    @property
    def acts_as(self) -> SelectMethod | None:
        """The method that decides how many are kept."""
        return self.like if self.method == "random" and self.like is not None else self.method
