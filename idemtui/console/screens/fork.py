"""Fork from here: which generation to start from, and what is to be different after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static, TextArea

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.facts import Run
from idemtui.console.requests import submit_fork
from idemtui.console.words import generation
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.app import Console

KEYS = "F5 or Ctrl+J fork    Tab next field    Esc not now"
HINT = "Settings that change from then on, one a line:"


class ForkScreen(ModalScreen[str]):
    """Closes with the server's answer in words; a refusal stands in place and nothing is lost of what was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+j", "fork", "Fork", priority=True),
        Binding("escape", "dismiss('')", "Not now"),
    ]

    def __init__(self, run: Run, newest: int, at: int) -> None:
        """`newest` is the last generation there is, `at` the one to propose."""
        super().__init__()
        self._run, self._newest, self._at = run, newest, at

    def compose(self) -> ComposeResult:
        """Cycle, settings, what speaks against them."""
        run = self._run
        with Vertical(id="fork"):
            yield Static(Text(f"Fork {one_line(run.name)}: a new run whose first generations are this one's.", "bold"))
            with Horizontal(id="fork-at"):
                yield Label(f"from cycle (0 to {self._newest}) ")
                yield Input(str(self._at), type="integer", id="cycle", compact=True)
            yield Static(Text(HINT))
            yield TextArea(proposed(run, self._at), id="changes", compact=True)
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
            self._say(f"cycle {cycle!r} is no generation of this run; allowed: 0 to {self._newest}.")
            return
        try:
            answer = await in_thread(lambda: submit_fork(reader, self._run.run_id, at, changes))
        except IdemtuiError as error:
            self._say(str(error))
        else:
            self.dismiss(f"{answer} (from {one_line(self._run.name)} at {generation(at)})")

    def _say(self, words: str, style: str = "bold red") -> None:
        self.query_one("#refusal", Static).update(Text(f"✗ {words}" if words else "", style))


def proposed(run: Run, at: int) -> str:
    """Lines to begin with: a chain that is complete needs more cycles; what most forks change stands there as it is."""
    more = f"run.cycles = {run.cycles + max(run.cycles - 1, 1)}\n" if at >= run.cycles else ""
    return f'{more}# run.regime = "{run.regime}"\n'
