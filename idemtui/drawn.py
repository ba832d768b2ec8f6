"""Scores that were drawn, not read from probabilities: every table with one says so, in a column of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from store.methods import is_drawn

COLUMN = "judge"


def naming_drawn(columns: Sequence[str], lines: Iterable[dict[str, Any]]) -> list[str]:
    """The columns with `judge`, the method of each line's judge, where any of the lines was drawn; else without."""
    if any(is_drawn(line[COLUMN]) for line in lines):
        return [*columns] if COLUMN in columns else [*columns, COLUMN]
    return [column for column in columns if column != COLUMN]


def drawn_words(method: str | None) -> list[str]:
    """What a reader of drawn scores has to know; nothing of others."""
    if not is_drawn(method):
        return []
    return [f"Scores by {method}: each is the mean of numbers that the judge drew, with their sampling noise."]


def drawn_mark(method: str | None) -> str:
    """` (sampled-5)` beside one score, nothing beside one that was read."""
    return f" ({method})" if is_drawn(method) else ""
