"""Fork from here: which generation to start from, and what is to be different after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static, TextArea

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.dialogs import some_names
from idemtui.console.facts import Run
from idemtui.console.requests import submit_forks
from idemtui.console.screens.dialog import Dialog
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.app import Console

KEYS = "F5 or Ctrl+J fork    Tab next field    Esc not now"
HINT = "Settings that change from then on, one a line:"


class ForkScreen(Dialog[str]):
    """Closes with the server's answer in words; a refusal stands in place and nothing is lost of what was typed."""

    PAGE = "fork"

    def __init__(self, runs: Sequence[Run], newest: int, at: int) -> None:
        """`newest` is the last generation that any has, `at` the one to propose."""
        super().__init__()
        self._runs, self._newest, self._at = runs, newest, at

    def compose(self) -> ComposeResult:
        """Cycle, settings, what speaks against them."""
        with Vertical(id="fork"):
            yield Static(Text(title(self._runs), "bold"))
            with Horizontal(id="fork-at"):
                yield Label(f"from cycle (0 to {self._newest}) ")
                yield Input(str(self._at), type="integer", id="cycle", compact=True)
            yield Static(Text(HINT))
            yield TextArea(proposed(self._runs, self._at), id="changes", compact=True)
            yield Static(id="refusal")
            yield Static(Text(KEYS, "bold"), id="choices")

    def on_mount(self) -> None:
        """Most forks start from the newest generation: begin with what changes."""
        editor = self.query_one("#changes", TextArea)
        editor.cursor_blink = self.query_one("#cycle", Input).cursor_blink = False
        editor.focus()
        editor.move_cursor(editor.document.end)

    @on(Input.Submitted)
    def action_fork(self) -> None:
        """Resolve and submit; close where both went well."""
        self._say("", "")
        self._fork(self.query_one("#cycle", Input).value, self.query_one("#changes", TextArea).text)

    @work(group="fork", exclusive=True)
    async def _fork(self, cycle: str, changes: str) -> None:
        reader = cast("Console", self.app).reader
        try:
            at = int(cycle)
        except ValueError:
            self._say(f"cycle {cycle!r} is no generation; allowed: 0 to {self._newest}.")
            return
        try:
            answer = await in_thread(lambda: submit_forks(reader, self._runs, at, changes))
        except IdemtuiError as error:
            self._say(str(error))
        else:
            self.dismiss(answer)

    def _say(self, words: str, style: str = "bold red") -> None:
        self.query_one("#refusal", Static).update(Text(f"✗ {words}" if words else "", style))


def title(runs: Sequence[Run]) -> str:
    """What will be forked."""
    if len(runs) == 1:
        return f"Fork {one_line(runs[0].name)}: a new run whose first generations are this one's."
    return f"Fork each of {some_names(runs)} at the same cycle: new runs whose first generations are theirs."


def proposed(runs: Sequence[Run], at: int) -> str:
    """Lines to begin with: chains that are complete need more cycles; what most forks change stands there as it is."""
    cycles, regimes = {run.cycles for run in runs}, sorted({run.regime for run in runs})
    longest = max(cycles)
    more = f"run.cycles = {longest + max(longest - 1, 1)}\n" if at >= min(cycles) else ""
    return f'{more}# run.regime = "{regimes[0]}"\n'
