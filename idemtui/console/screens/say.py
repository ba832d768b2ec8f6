"""One line that somebody says of a sample."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from idemtui.console.screens.dialog import Dialog


class SayScreen(Dialog[str]):
    """Closes with what was typed, None where nothing is to be said."""

    PAGE = "line"

    def __init__(self, question: str, proposed: str, longest: int) -> None:
        super().__init__()
        self._question, self._proposed, self._longest = question, proposed, longest

    def compose(self) -> ComposeResult:
        """The question and a line."""
        with Vertical(id="say"):
            yield Static(Text(self._question, "bold"))
            yield Input(self._proposed, max_length=self._longest, id="said", compact=True)
            yield Static(Text("Enter say it    Esc not now", "bold"))

    def on_mount(self) -> None:
        """Begin to type at once."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()

    @on(Input.Submitted)
    def action_done(self) -> None:
        """That is it."""
        self.dismiss(self.query_one(Input).value)
