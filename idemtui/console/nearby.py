"""Samples in full around a cursor, read before they are wanted, so that a step in the list waits for no answer."""

from __future__ import annotations

from collections.abc import Mapping

from idemtui.console.text_facts import Line, Reading

AROUND, NEAR = 40, 12
"""Rows on either side of the cursor that are read with it, and how near an unread one comes before more are."""
KEPT = 1000
"""Samples after which all are forgotten."""


class Nearby:
    """What was read, by sample id."""

    def __init__(self) -> None:
        self._held: dict[str, Reading] = {}

    def get(self, sample_id: str) -> Reading | None:
        """One sample, if it was read."""
        return self._held.get(sample_id)

    def keep(self, readings: Mapping[str, Reading]) -> None:
        """Take what was read."""
        if len(self._held) > KEPT:
            self._held = {}
        self._held |= readings

    def forget(self) -> None:
        """What was read may be said otherwise by now."""
        self._held = {}

    def lacking(self, lines: Mapping[int, Line | None], row: int, run_id: str | None) -> list[str]:
        """Ids to ask for, of one run (`run_id`, or that of the row); none while all near the row are here."""
        here = lines.get(row)
        found: dict[int, str] = {}
        for at in range(row - AROUND, row + AROUND + 1):
            line = lines.get(at)
            if here and line and (run_id or line.run_id == here.run_id) and line.sample_id not in self._held:
                found[at] = line.sample_id
        return list(found.values()) if any(abs(at - row) <= NEAR for at in found) else []
