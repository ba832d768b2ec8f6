"""Training rows that an answer goes back to, in words; shared phrases marked without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idemtui.console.words import generation

if TYPE_CHECKING:
    from store.kinship import Kin
    from store.texts import Sample

OPEN, CLOSE = "«", "»"
APART = " ǁ "
"""Between two phrases: a word of its own, so that no run goes on from one into the next."""


def row_words(row: Kin) -> str:
    """`trained M2  nearness 0.41  train, written by M1  3f…`."""
    writer = "seed data" if row.drawn_by is None else f"written by {generation(row.drawn_by)}"
    return f"trained {generation(row.cycle)}  nearness {row.nearness:.2f}  {writer}  {row.sample_id}"


def marked(row: Kin) -> str:
    """The row's text with what it shares with the answer in «…»."""
    from store.kinship import shared_spans

    text, at, parts = row.response, 0, []
    for start, end in shared_spans(text, APART.join(row.shared)):
        parts += [text[at:start], OPEN, text[start:end], CLOSE]
        at = end
    return "".join([*parts, text[at:]])


def no_kin(answer: Sample) -> str:
    """Why there is nothing to show."""
    if answer.drawn_by is None:
        return "This is seed data: no model of the chain wrote it."
    if answer.drawn_by < 0:
        return "The untrained model wrote this: no training row of the chain comes before it."
    return "No training row shares a pair of words with it."
