"""One row of an answer in full, a column under the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from idemtui.console.words import NONE
from idemtui.text import one_line, plain


class RecordScreen(ModalScreen[None]):
    """Every value with nothing left out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(10)", "Page down", show=False),
        Binding("pageup,b", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, columns: Sequence[str], row: Sequence[Any]) -> None:
        super().__init__()
        self._columns, self._row = columns, row

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="record"):
            yield Static(record_text(self._columns, self._row))

    def action_scroll(self, lines: int) -> None:
        """Scroll the page."""
        self.query_one("#record").scroll_relative(y=lines, animate=False)


def record_text(columns: Sequence[str], row: Sequence[Any]) -> Text:
    """Names in bold, values under them."""
    text = Text()
    for name, value in zip(columns, row, strict=True):
        text.append(f"{one_line(name)}\n", "bold")
        text.append(f"{NONE if value is None else plain(str(value))}\n\n")
    return text
