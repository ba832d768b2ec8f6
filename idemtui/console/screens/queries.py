"""Statements to choose from, saved ones or those asked before, narrowed by typing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from idemtui.console.screens.dialog import Dialog
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import Ledger
from idemtui.text import one_line

COLUMNS = (Column("", 16), Column("", 30, flex=1))
KEYS = "Type to search    ↑ ↓ choose    Enter take    Esc not now"


@dataclass(frozen=True)
class Entry:
    """A statement with the words it is found by."""

    name: str
    title: str
    text: str


class QueriesScreen(Dialog[str]):
    """Closes with a statement, or with nothing."""

    PAGE = "statements"

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._heading, self._entries = title, tuple(entries)
        self._found = self._entries

    def compose(self) -> ComposeResult:
        """Search, list, and the statement under the cursor."""
        with Vertical(id="queries"):
            yield Static(Text(self._heading, "bold"))
            search = Input(placeholder="search", id="search", compact=True)
            search.cursor_blink = False
            yield search
            yield Ledger(COLUMNS, id="entries")
            yield Static(id="statement")
            yield Static(Text(KEYS, "bold"), id="choices")

    def on_mount(self) -> None:
        """Show all of them."""
        self._show()
        self.query_one("#search").focus()

    @on(Input.Changed)
    def narrow(self, message: Input.Changed) -> None:
        """Those that hold every word that was typed."""
        words = message.value.lower().split()
        self._found = tuple(
            entry
            for entry in self._entries
            if all(word in f"{entry.name} {entry.title} {entry.text}".lower() for word in words)
        )
        self._show()

    def _show(self) -> None:
        ledger = self.query_one("#entries", Ledger)
        ledger.show_rows([(Cell(one_line(entry.name), "dim"), Cell(one_line(entry.title))) for entry in self._found])
        ledger.cursor = 0
        self.show_statement()

    @on(Ledger.Moved)
    def show_statement(self) -> None:
        """Show what would be taken."""
        at = self.query_one("#entries", Ledger).cursor
        text = self._found[at].text if at < len(self._found) else "nothing found"
        self.query_one("#statement", Static).update(Text(text))

    def action_move(self, step: int) -> None:
        """Go up or down while typing."""
        self.query_one("#entries", Ledger).action_move(step)

    @on(Input.Submitted)
    @on(Ledger.Chosen)
    def action_take(self) -> None:
        """Close with the statement under the cursor."""
        at = self.query_one("#entries", Ledger).cursor
        if at < len(self._found):
            self.dismiss(self._found[at].text)
