"""Run: one chain in detail: its curves, its trainings, what started from what, its events and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rich.text import Text
from textual import on
from textual.containers import Container, Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.facts import Glance, Run, RunDetail
from idemtui.console.family import family
from idemtui.console.lab_facts import Server
from idemtui.console.messages import RunRead
from idemtui.console.reader import Reader
from idemtui.console.run_charts import beside_chart, beside_words, sentence_chart, sure_coherence_chart, trace_chart
from idemtui.console.run_reader import run_detail
from idemtui.console.run_tables import (
    ADAPTERS,
    EVENTS,
    INHERITED,
    LOG,
    MEASURES,
    SETTINGS,
    SPEED,
    adapter_cells,
    event_cells,
    log_cells,
    measure_cells,
    setting_cells,
    speed_cells,
)
from idemtui.console.screens.room import Room
from idemtui.console.standing import STYLES, doing_now, lineage, reason
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.columns import Cell
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.still import Still
from idemtui.console.words import (
    SIGNS,
    chain_words,
    cycle_of,
    generation,
    paper_word,
    score,
    signed,
)
from idemtui.drawn import drawn_mark
from idemtui.text import one_line

PANELS = ("picture", "trainings", "losses", "sentences", "measures", "speed", "events", "log", "settings")
TRACES = {"loss": "loss", "margins": "rewards/margins", "gradient": "grad_norm"}
"""Panes of the losses by what they draw; margins are DPO's."""
LOG_FRAME = 6
"""Cells of the log's panel that its lines cannot have: cursor, gaps, scroll bar."""


class RunScreen(Room):
    """Curves above, panels below: all of them where there is room, else one at a time."""

    ROOM = "run"

    def __init__(self) -> None:
        super().__init__()
        self._panel = 0
        self._detail: RunDetail | None = None

    @property
    def selected_cycle(self) -> int | None:
        """The training under the cursor, where somebody has moved it."""
        trainings = self.query_one("#trainings", Ledger)
        if self._detail is None or not trainings.has_focus or not trainings.cursor:
            return None
        return self._detail.adapters[trainings.cursor].cycle

    def contents(self) -> Iterable[Widget]:
        """Headline, curves, panels."""
        yield Still(id="headline")
        with Horizontal(id="curves"):
            yield ChartPane(id="trait")
            yield ChartPane(id="coherence")
        yield Still(id="panels-title")
        with Container(id="panels"):
            with VerticalScroll(id="picture"):
                yield Still(id="family")
            yield Ledger(ADAPTERS, id="trainings")
            with Horizontal(id="losses"):
                for name in TRACES:
                    yield ChartPane(id=name)
            yield ChartPane(id="sentences")
            yield Ledger(MEASURES, id="measures")
            yield Ledger(SPEED, id="speed")
            yield Ledger(EVENTS, id="events")
            yield Ledger(LOG, id="log")
            yield Ledger(SETTINGS, id="settings")

    def lab_changed(self) -> None:
        """Draw what is known of the run and ask for the rest."""
        run = self.chosen
        self._show_panel()
        if run is None:
            self.query_one("#headline", Static).update("No run yet: `1` shows the lab.")
            return
        self.server_changed()
        known = self._detail if self._detail and self._detail.run_id == run.run_id else None
        self.query_one("#trait", ChartPane).show_chart(beside_chart([run], run, known.beside if known else None))
        self.query_one("#coherence", ChartPane).show_chart(sure_coherence_chart(run, known))
        self.ask("detail", partial(_read, run.run_id))

    def server_changed(self) -> None:
        """Show what the server says of the run."""
        run = self.chosen
        if run is not None:
            self.query_one("#headline", Static).update(headline(run, self.glance, self.server, self._controls(run)))

    def _controls(self, run: Run) -> str:
        known = self._detail
        return beside_words(known.beside) if known and known.run_id == run.run_id else ""

    @on(RunRead)
    def show_detail(self, message: RunRead) -> None:
        """Fill the panels, unless another run was chosen since."""
        run, detail = self.chosen, message.detail
        if run is None or run.run_id != detail.run_id:
            return
        known = self._detail
        self._detail = detail
        self.query_one("#headline", Static).update(headline(run, self.glance, self.server, beside_words(detail.beside)))
        self.query_one("#trait", ChartPane).show_chart(beside_chart([run], run, detail.beside))
        self.query_one("#family", Static).update(Text("\n".join(family(run, detail.adapters, self.glance))))
        self.query_one("#coherence", ChartPane).show_chart(sure_coherence_chart(run, detail))
        self.query_one("#sentences", ChartPane).show_chart(sentence_chart(run, detail))
        self._show_traces(run, detail)
        self._show_tables(run, detail, known is None or known.run_id != detail.run_id)

    def _show_tables(self, run: Run, detail: RunDetail, another: bool) -> None:
        tables = {
            "trainings": [adapter_cells(run, adapter) for adapter in detail.adapters],
            "measures": measure_cells(run, detail),
            "speed": [speed_cells(one) for one in detail.speed],
            "settings": [setting_cells(setting) for setting in detail.settings],
        }
        for name, rows in tables.items():
            self.query_one(f"#{name}", Ledger).show_rows(rows)
        show_tail(self.query_one("#events", Ledger), [event_cells(event) for event in detail.events], another)
        self._show_log(another)

    def _show_log(self, another: bool = False) -> None:
        """The log's long lines are broken at the width that its panel has now."""
        run, detail, log = self.chosen, self._detail, self.query_one("#log", Ledger)
        if run is not None and detail is not None:
            show_tail(log, log_cells(detail.log or run.log_tail, log.size.width - LOG_FRAME), another)

    def _show_traces(self, run: Run, detail: RunDetail) -> None:
        traces = {trace.name: trace for trace in detail.traces}
        for pane, name in TRACES.items():
            chart = self.query_one(f"#{pane}", ChartPane)
            chart.display = name != "rewards/margins" or run.regime == "dpo"
            chart.show_chart(trace_chart(traces.get(name), detail.starts, name))

    def action_panel(self, step: int) -> None:
        """Go to another panel."""
        self._panel = (self._panel + step) % len(PANELS)
        self._show_panel()

    def action_log(self) -> None:
        """Go to the worker's log, or from it back to the curves."""
        log = PANELS.index("log")
        away = self._panel == log and self.has_class("-whole")
        self._panel = log
        self._give_height(not away)

    def action_whole(self) -> None:
        """Give the panel all the height, or take it back."""
        here = next((at for at, name in enumerate(PANELS) if self.query_one(f"#{name}").has_focus), self._panel)
        self._panel = here
        self._give_height(not self.has_class("-whole"))

    def _give_height(self, whole: bool) -> None:
        self.set_class(whole, "-whole")
        self._show_panel()
        self.call_after_refresh(self._show_log)

    def _show_panel(self) -> None:
        name = PANELS[self._panel]
        for panel in PANELS:
            self.query_one(f"#{panel}").set_class(panel == name, "-shown")
        title = Text(no_wrap=True, end="")
        for panel in PANELS:
            here = panel == name
            title.append(f"[{panel}]" if here else f" {panel} ", "bold" if here else "dim")
        self.query_one("#panels-title", Static).update(title)
        shown = self.query_one(f"#{name}")
        if shown.can_focus:
            shown.focus()


def _read(run_id: str, reader: Reader) -> RunRead:
    return RunRead(run_detail(reader, run_id))


def show_tail(ledger: Ledger, rows: Sequence[Sequence[Cell]], another: bool) -> None:
    """Show rows that grow at their end; whoever stands at the end, or comes from another run, stays there."""
    at_end = another or ledger.cursor >= ledger.count - 1
    ledger.show_rows(rows)
    if at_end:
        ledger.cursor = len(rows) - 1


def headline(run: Run, glance: Glance, server: Server | None, controls: str = "") -> Text:
    """Two lines: what the run is, and where it stands; a third for its parent, its controls, and what keeps it."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    text.append(f" {SIGNS.get(run.status, '?')} {glance.called(run.run_id)}", "bold")
    text.append(f"  {run.trait}  {run.regime} {run.arm}  {one_line(run.model)}  seed {run.seed}")
    text.append(f"  n_seed {run.n_seed}  n_sampled {run.n_sampled}", "dim")
    last = run.last
    text.append(f"\n   {doing_now(run, server)}  cycle {cycle_of(run)}")
    if last is not None:
        text.append(f"  {generation(last.cycle)}: s {score(last.trait, run.judge_method)}  Δ {signed(run.delta)}")
        text.append(f"  coherence {score(last.coherence, run.judge_method)}{drawn_mark(run.judge_method)}")
    if run.verdict:
        text.append(f"  {paper_word(run.verdict)}", "bold")
        text.append(f"  {chain_words(run.verdict)}  (one chain)")
    born = lineage(run, glance)
    words = [f"{born} ({INHERITED} inherited)" if born else "", reason(run, server), controls]
    if any(words):
        text.append("\n   " + "; ".join(filter(None, words)), STYLES.get(run.status, ""))
    return text
