"""A question that has to be answered before anything happens."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from idemtui.console.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Yes by `y` alone; everything else that closes it is no."""

    PAGE = "question"

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and its two keys."""
        with Vertical(id="confirm"):
            yield Static(Text(self._question))
            yield Static(Text("y yes    n no", "bold"), id="choices")

    def action_answer(self, sure: bool) -> None:
        """Close with the answer."""
        self.dismiss(sure)
