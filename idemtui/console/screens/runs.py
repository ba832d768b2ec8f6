"""Runs: the lab at a glance, and the curves of one run or of its whole study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.charts import COLOURS, MARKERS, STYLES, coherence_chart, trait_chart
from idemtui.console.facts import Run
from idemtui.console.lab_facts import Server
from idemtui.console.screens.room import Room
from idemtui.console.standing import LOG_LINES, doing_now, reason, standing
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.columns import Cell, Column, Tone
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.strip import strip_text
from idemtui.console.words import SIGNS, chain_words, cycle_of, number, paper_word, signed, spark
from idemtui.text import one_line

COLUMNS = (
    Column("", 1),
    Column("run", 12, flex=2, name=True),
    Column("study", 12, rank=6),
    Column("trait", 12, rank=5),
    Column("regime, arm", 13),
    Column("model", 15, rank=8),
    Column("seed", 4, rank=9, right=True),
    Column("cycle", 6, right=True),
    Column("doing", 9, rank=1),
    Column("s", 5, rank=4, right=True),
    Column("Δ", 6, right=True),
    Column("coh", 3, right=True),
    Column("curve", 8, rank=3),
    Column("verdict", 9, rank=2),
    Column("this chain: A, L [90 %]", 24, rank=7, flex=3),
)
TONES: dict[str, Tone] = {
    "running": "accent",
    "failed": "bad",
    "finished": "good",
    "queued": "dim",
    "cancelled": "dim",
    "paused": "warn",
}
FORKED = "↳ "
REASONED: dict[str, Tone] = {"failed": "bad", "queued": "dim", "cancelled": "dim"}
OVERLAID = len(MARKERS)
"""Runs that one chart can tell apart."""
WELCOME = """\
This lab holds no runs yet.

Press d to start the pocket study here: four chains of tiny models, about
five minutes on two cores, no GPU and no network.

Or, in a shell:   idemtui demo            the same study
                  idemtui run STUDY.toml  a study of your own"""
INTERVAL = " │ 90 % interval of the underlined run"
LOADING = "Reading the lab …"


def run_cells(run: Run, server: Server | None = None) -> Sequence[Cell]:
    """One run as a row of the table; a fork's name stands behind an arrow."""
    tone: Tone = TONES.get(run.status, "")
    last = run.last
    why = reason(run, server)
    return (
        Cell(SIGNS.get(run.status, "?"), tone),
        Cell((FORKED if run.parent_run_id else "") + one_line(run.name)),
        Cell(one_line(run.study), "dim"),
        Cell(run.trait),
        Cell(f"{run.regime} {run.arm}"),
        Cell(one_line(run.model), "dim"),
        Cell(str(run.seed), "dim"),
        Cell(cycle_of(run)),
        Cell(doing_now(run, server), tone),
        Cell(number(last.trait if last else None)),
        Cell(signed(run.delta)),
        Cell(number(last.coherence if last else None, 0)),
        Cell(spark(point.trait for point in run.points)),
        Cell(paper_word(run.verdict), "warn" if run.verdict and run.verdict.amplified_by_paper else ""),
        Cell(why or chain_words(run.verdict), REASONED.get(run.status, "warn") if why else "dim"),
    )


class RunsScreen(Room):
    """The table of runs above their curves."""

    ROOM = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._overlay = True

    def contents(self) -> Iterable[Widget]:
        """The lab's strip, table, the chosen run's state, two charts, their legend; and what to do in an empty lab."""
        yield Static(id="strip")
        yield Static(LOADING, id="welcome")
        yield Ledger(COLUMNS, id="runs")
        yield Static(id="standing")
        with Horizontal(id="curves"):
            yield ChartPane(id="trait")
            yield ChartPane(id="coherence")
        yield Static(id="legend")

    def lab_changed(self) -> None:
        """Fill the table and draw the curves."""
        runs = self.glance.runs
        self.set_class(not runs, "-empty")
        if not runs:
            self.query_one("#welcome", Static).update(WELCOME if self.console_app.read_once else LOADING)
            return
        ledger = self.query_one("#runs", Ledger)
        ledger.show_rows([run_cells(run, self.server) for run in runs])
        ledger.styles.height = min(len(runs) + 1, max(self.size.height * 2 // 5, 5))
        if self.chosen is not None:
            ledger.cursor = runs.index(self.chosen)
        if self.focused is None:
            ledger.focus()
        self._show_curves()

    @on(Ledger.Moved)
    def choose(self, message: Ledger.Moved) -> None:
        """All rooms look at the run under the cursor."""
        runs = self.glance.runs
        if message.row < len(runs):
            self.console_app.choose(runs[message.row].run_id)
            self._show_curves()

    @on(Ledger.Chosen)
    def action_open_run(self) -> None:
        """Go to the run in detail."""
        self.console_app.action_room("run")

    def action_overlay(self) -> None:
        """Switch between the study's curves and one."""
        self._overlay = not self._overlay
        self._show_curves()

    def action_demo(self) -> None:
        """Queue the pocket study."""
        self.console_app.start_demo()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the pocket study where there is nothing yet, and the rest where there is something."""
        empty = self.console_app.read_once and not self.glance.runs
        if action in ("demo", "open_run", "overlay"):
            return empty if action == "demo" else not empty
        return super().check_action(action, parameters)

    def _show_curves(self) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        runs = self._drawn(chosen)
        self._show_standing(chosen)
        self.query_one("#trait", ChartPane).show_chart(trait_chart(runs, chosen))
        self.query_one("#coherence", ChartPane).show_chart(coherence_chart(runs, chosen))
        self.query_one("#legend", Static).update(legend(runs, chosen, self.size.width))

    def show_pulse(self) -> None:
        """Show the lab's own state above its runs."""
        super().show_pulse()
        text = strip_text(self.server, self.glance, self.size.width, self.has_class("-tall"))
        strip = self.query_one("#strip", Static)
        strip.update(text)
        strip.display = bool(text.plain)

    def _show_standing(self, chosen: Run) -> None:
        text = standing(chosen, self.glance, self.server, LOG_LINES if self.has_class("-tall") else 0)
        self.query_one("#standing", Static).update(text)

    def _drawn(self, chosen: Run) -> tuple[Run, ...]:
        if not self._overlay:
            return (chosen,)
        study = tuple(run for run in self.glance.study(chosen) if run.points or run is chosen)
        if len(study) <= OVERLAID:
            return study
        start = max(min(study.index(chosen) - OVERLAID // 2, len(study) - OVERLAID), 0)
        return study[start : start + OVERLAID]


def legend(runs: Sequence[Run], chosen: Run, width: int) -> Text:
    """Which sign is which run, in lines of at most `width` cells; the chosen run is underlined."""
    text = Text(end="")
    left = width
    for index, run in enumerate(runs):
        name = one_line(run.name, 24)
        needed = cell_len(name) + 4
        if needed > left:
            text.append("\n")
            left = width
        left -= needed
        text.append(f" {MARKERS[index % len(MARKERS)]} ", STYLES[COLOURS[index % len(COLOURS)]])
        text.append(name, "underline" if run is chosen else "")
        text.append(" ")
    if left > len(INTERVAL):
        text.append(INTERVAL, "dim")
    return text
