"""Samples in full around a cursor, read before they are wanted, so that a step in the list waits for no answer."""

from __future__ import annotations

from collections.abc import Mapping

from idemtui.console.text_facts import Line, Reading

AROUND, NEAR = 100, 50
"""Rows on either side of the cursor that are read with it, and how near an unread one comes before more are."""
KEPT = 500
"""Samples after which the oldest are forgotten."""


class Nearby:
    """What was read, by sample id."""

    def __init__(self) -> None:
        self._held: dict[str, Reading] = {}

    def get(self, sample_id: str) -> Reading | None:
        """One sample, if it was read."""
        return self._held.get(sample_id)

    def keep(self, readings: Mapping[str, Reading]) -> None:
        """Take what was read."""
        self._held |= readings
        for sample_id in list(self._held)[: max(len(self._held) - KEPT, 0)]:
            del self._held[sample_id]

    def forget(self) -> None:
        """What was read may be said otherwise by now."""
        self._held = {}

    def lacking(self, lines: Mapping[int, Line | None], row: int) -> list[Line]:
        """Lines to ask for, nearest first; none while all near the row are here."""
        around = sorted(range(row - AROUND, row + AROUND + 1), key=lambda at: abs(at - row))
        found = {at: line for at in around if (line := lines.get(at)) and line.sample_id not in self._held}
        return list(found.values()) if any(abs(at - row) <= NEAR for at in found) else []
