"""One of several: a list over the room, closed by Enter with the line under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from idemtui.console.screens.dialog import Dialog
from idemtui.console.widgets.columns import Cell, Column, name_cells
from idemtui.console.widgets.ledger import Ledger
from idemtui.text import one_line

COLUMNS = (Column("", 1), Column("", 24, name=True), Column("", 20, flex=1))
MOST_ROWS = 14
KEYS = "Enter takes it    Esc leaves it as it is"


class ChooseScreen(Dialog[int]):
    """Gives the place of the choice, None for none; two choices may be called the same."""

    PAGE = "choice"

    def __init__(self, question: str, choices: Sequence[tuple[str, str]], now: int) -> None:
        """`choices` are names with a few words each; `now` is the place of the one that holds."""
        super().__init__()
        self._question, self._choices, self._now = question, tuple(choices), now

    def compose(self) -> ComposeResult:
        """Question, list, keys."""
        with Vertical(id="choose"):
            yield Static(Text(self._question, "bold"))
            yield Ledger(COLUMNS)
            yield Static(Text(KEYS, "bold"), id="choices")

    def on_mount(self) -> None:
        """Begin at what holds now."""
        ledger = self.query_one(Ledger)
        ledger.styles.height = min(len(self._choices), MOST_ROWS) + 1
        named = name_cells([one_line(name) for name, _ in self._choices])
        ledger.show_rows(
            [
                (Cell("●" if place == self._now else ""), cell, Cell(one_line(words), "dim"))
                for place, (cell, (_, words)) in enumerate(zip(named, self._choices, strict=True))
            ]
        )
        ledger.cursor = self._now
        ledger.focus()

    @on(Ledger.Chosen)
    def action_take(self) -> None:
        """Close with the line under the cursor."""
        self.dismiss(self.query_one(Ledger).cursor if self._choices else None)
