"""What ended while no server looked, and which of it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from idemtui.console.lab_facts import Interrupted
from idemtui.console.screens.dialog import Dialog
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import Ledger
from idemtui.text import one_line

COLUMNS = (Column("", 3), Column("run", 16, flex=1), Column("why", 20, flex=2))
MOST_ROWS = 12
KEYS = "Enter the marked go on    a all    Space marks    Esc later"


class InterruptedScreen(Dialog[tuple[str, ...]]):
    """Gives the ids of the runs that go on; none for later."""

    PAGE = "interrupted"

    def __init__(self, interrupted: Sequence[Interrupted]) -> None:
        super().__init__()
        self._runs = tuple(interrupted)
        self._marked = {run.run_id for run in interrupted}

    def compose(self) -> ComposeResult:
        """What happened, the runs, the keys."""
        with Vertical(id="interrupted"):
            yield Static(Text(happened(self._runs)))
            yield Ledger(COLUMNS if len(causes(self._runs)) > 1 else COLUMNS[:2])
            yield Static(Text(KEYS, "bold"), id="choices")

    def on_mount(self) -> None:
        """All are marked, since going on is what most want."""
        ledger = self.query_one(Ledger)
        ledger.styles.height = min(len(self._runs), MOST_ROWS) + 1
        self._show()
        ledger.focus()

    def _show(self) -> None:
        self.query_one(Ledger).show_rows(
            [
                (
                    Cell("[x]" if run.run_id in self._marked else "[ ]"),
                    Cell(one_line(run.name)),
                    Cell(cause(run), "dim"),
                )
                for run in self._runs
            ]
        )

    def action_mark(self) -> None:
        """Take the run under the cursor in or out."""
        self._marked ^= {self._runs[self.query_one(Ledger).cursor].run_id}
        self._show()

    def action_go_on(self, every: bool) -> None:
        """Close with all runs, or with the marked ones."""
        self.dismiss(tuple(run.run_id for run in self._runs if every or run.run_id in self._marked))

    def action_later(self) -> None:
        """Close with none."""
        self.dismiss(())


def cause(run: Interrupted) -> str:
    """Why, without the word that the page says already."""
    return one_line(run.message).removeprefix("interrupted: ").rstrip(".")


def causes(runs: Sequence[Interrupted]) -> set[str]:
    """The different reasons there are."""
    return {cause(run) for run in runs}


def happened(runs: Sequence[Interrupted]) -> str:
    """How many, why where it was the same for all, and that nothing is lost."""
    count, why = len(runs), causes(runs)
    words = f"{count} {'run was' if count == 1 else 'runs were'} interrupted"
    shared = f": {why.pop()}" if len(why) == 1 else ""
    return f"{words}{shared}. What is done is kept."
