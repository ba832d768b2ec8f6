"""One line to be typed, such as the name of a file, and something done with it; a refusal stands in place."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.screens.dialog import Dialog

KEYS = "Enter do it    Esc not now"


class NamingScreen(Dialog[str]):
    """Closes with the words of what was done, or with nothing."""

    PAGE = "line"

    def __init__(self, question: str, proposed: str, done: Callable[[str], str]) -> None:
        """`done` blocks, runs in a thread, and may raise IdemtuiError or OSError."""
        super().__init__()
        self._question, self._proposed, self._done = question, proposed, done

    def compose(self) -> ComposeResult:
        """The question, the line, what speaks against it."""
        with Vertical(id="naming"):
            yield Static(Text(self._question, "bold"))
            line = Input(self._proposed, id="line", compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static(id="refusal")
            yield Static(Text(KEYS, "bold"), id="choices")

    def on_mount(self) -> None:
        """Begin to type."""
        self.query_one("#line").focus()

    @on(Input.Submitted)
    def action_done(self) -> None:
        """Do it with what was typed."""
        if typed := self.query_one("#line", Input).value.strip():
            self._do(typed)

    @work(group="naming", exclusive=True)
    async def _do(self, typed: str) -> None:
        try:
            words = await in_thread(lambda: self._done(typed))
        except (IdemtuiError, OSError) as error:
            self.query_one("#refusal", Static).update(Text(f"✗ {error}", "bold red"))
        else:
            self.dismiss(words)
