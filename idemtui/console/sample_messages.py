"""What happened among the samples, in the past tense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.message import Message

from idemtui.console.text_facts import Line, Listing, Reading

if TYPE_CHECKING:
    import pyarrow as pa


class PlacesFound(Message):
    """More places of a list; `share` of the lab has been looked through, 1 where it is over."""

    def __init__(self, asked: Listing, number: int, parts: list[pa.Array], share: float) -> None:
        """`number` tells one search from the next of the same list."""
        super().__init__()
        self.asked, self.number, self.parts, self.share = asked, number, parts, share


class LinesRead(Message):
    """What stands at some places in a row, from `offset` on (None where a sample is gone), some of it in full."""

    def __init__(self, number: int, offset: int, lines: list[Line | None], readings: Mapping[str, Reading]) -> None:
        super().__init__()
        self.number, self.offset, self.lines, self.readings = number, offset, lines, readings


class SamplesRead(Message):
    """Samples in full, by their ids: the one under the cursor, and those around it."""

    def __init__(self, number: int, readings: Mapping[str, Reading]) -> None:
        super().__init__()
        self.number, self.readings = number, readings


class Annotated(Message):
    """The lab wrote down what somebody said of a sample."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
