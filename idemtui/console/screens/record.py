"""One row of an answer in full, a column under the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from idemtui.console.screens.dialog import ReadingPage
from idemtui.console.words import NONE
from idemtui.text import one_line, plain


class RecordScreen(ReadingPage):
    """Every value with nothing left out."""

    SCROLLED = "record"

    def __init__(self, columns: Sequence[str], row: Sequence[Any]) -> None:
        super().__init__()
        self._columns, self._row = columns, row

    def text(self) -> Text:
        """The row."""
        return record_text(self._columns, self._row)


def record_text(columns: Sequence[str], row: Sequence[Any]) -> Text:
    """Names in bold, values under them."""
    text = Text()
    for name, value in zip(columns, row, strict=True):
        text.append(f"{one_line(name)}\n", "bold")
        text.append(f"{NONE if value is None else plain(str(value))}\n\n")
    return text
