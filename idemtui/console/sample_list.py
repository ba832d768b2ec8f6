"""The list of the Samples room: which samples, how far the search for them is, and what was read of them.

A list that is sought anew while it is shown stays until the new one is whole. Answers carry the number of the question
that they are to, so that one about another list is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from idemtui.console.nearby import Nearby
from idemtui.console.sample_places import Places
from idemtui.console.text_facts import MEASURED, Line, Listing
from idemtui.console.widgets.ledger import PAGE, PAGES_KEPT

if TYPE_CHECKING:
    import pyarrow as pa


class SampleList:
    """One list at a time; nothing of it is on a screen."""

    def __init__(self) -> None:
        self.asked = Listing()
        self.number = 0
        self.found = 1.0
        """Which share of the lab has been looked through."""
        self.lines: dict[int, Line | None] = {}
        self.nearby = Nearby()
        self._places = Places()
        self._coming: Places | None = None
        """A list that is already shown, read anew; it takes its place when it is whole."""

    @property
    def count(self) -> int:
        """Samples in the list that is shown."""
        return self._places.count

    @property
    def share(self) -> float | None:
        """How far the search is; None while what is shown is whole and read anew."""
        return None if self._coming is not None else self.found

    @property
    def filtered(self) -> bool:
        """Whether somebody asked for other samples than those that a run is measured by."""
        wanted = self.asked.wanted
        return wanted != dataclasses.replace(MEASURED, run_id=wanted.run_id, judge=wanted.judge)

    @property
    def quick(self) -> bool:
        """Whether it is found at once, however large the lab."""
        wanted = self.asked.wanted
        return wanted.run_id is not None or (wanted.pattern is None and self.asked.order == "drawn")

    def begin(self, *, anew: bool) -> None:
        """Seek; `anew` is a list that has nothing of the one before."""
        self.number += 1
        self.found = 0.0
        self._coming = None if anew else Places()
        self.nearby.forget()
        if anew:
            self._places, self.lines = Places(), {}

    def rejudge(self, judge: str | None) -> bool:
        """Whether the list stays the same by another judge's scores; what was read of it is forgotten then."""
        wanted = self.asked.wanted
        by_scores = self.asked.order in ("trait", "coherence", "jump") or (wanted.low, wanted.high, wanted.label) != (
            None, None, None,
        )  # fmt: skip
        if by_scores or self.found < 1:
            return False
        self.asked = dataclasses.replace(self.asked, wanted=dataclasses.replace(wanted, judge=judge))
        self.number += 1
        self.nearby.forget()
        return True

    def take(self, parts: Iterable[pa.Array], share: float) -> bool:
        """Take places that were found; whether they are another list than the one that is shown."""
        self.found = share
        if self._coming is None:
            self._places.add(parts)
            return False
        self._coming.add(parts)
        if share < 1:
            return False
        self._places, self._coming = self._coming, None
        return True

    def stop(self) -> None:
        """Be content with what was found."""
        self.found, self._coming = 1.0, None

    def page(self, offset: int) -> list[int]:
        """The places of one page."""
        return self._places.stretch(offset, PAGE)

    def keep(self, offset: int, lines: Iterable[Line | None]) -> None:
        """Take what stands at a page; pages that were read long ago are forgotten."""
        for row, line in enumerate(lines, offset):
            self.lines.pop(row, None)
            self.lines[row] = line
        while len(self.lines) > PAGE * PAGES_KEPT:
            del self.lines[next(iter(self.lines))]
