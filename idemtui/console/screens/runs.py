"""Runs: the lab at a glance, and the curves of one run or of its whole study."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from idemtui.console import acting
from idemtui.console.facts import Run
from idemtui.console.overlay import legend, overlaid
from idemtui.console.run_charts import coherence_chart, trait_chart
from idemtui.console.run_rows import COLUMNS, TITLES, columns_of, heading_words, line_cells, names_of, view_words
from idemtui.console.screens.room import Room
from idemtui.console.standing import LOG_LINES, standing
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.columns import Cell
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.still import Still
from idemtui.console.widgets.strip import strip_text
from idemtui.listing import GROUPINGS, SORTS, STATUSES, Entry, Heading, Line, View, arrange

WELCOME = """\
This lab holds no runs yet.

Press d to start the pocket study here: four chains of tiny models, about
five minutes on two cores, no GPU and no network.

Or, in a shell:   idemtui demo            the same study
                  idemtui run STUDY.toml  a study of your own"""
FILTER = "words that a run must have, study:demo, status:live; Enter keeps, Esc clears"
ALWAYS_RUNS = ("demo", "open_run", "overlay", "mark", "filter", "status", "sort", "group")
LOADING = "Reading the lab …"


class RunsScreen(Room):
    """The table of runs above their curves."""

    ROOM = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._overlay = True
        self._view = View()
        self._lines: list[Line] = []
        self._names = names_of([])

    def contents(self) -> Iterable[Widget]:
        """The lab's strip, table, the chosen run's state, two charts, their legend; and what to do in an empty lab."""
        yield Still(id="strip")
        yield Still(LOADING, id="welcome")
        yield Input(placeholder=FILTER, id="words", compact=True)
        yield Still(id="view")
        yield Ledger(COLUMNS, id="runs")
        yield Still(id="standing")
        with Horizontal(id="curves"):
            yield ChartPane(id="trait")
            yield ChartPane(id="coherence")
        yield Still(id="legend")

    def on_mount(self) -> None:
        """A blinking cursor would be sent to the terminal for ever."""
        self.query_one("#words", Input).cursor_blink = False

    @property
    def targets(self) -> Sequence[Run]:
        """The marked runs, else the one under the cursor; a heading is no run."""
        marked = [run for run in self.glance.runs if run.run_id in self.console_app.marked]
        line = self._line()
        return marked or ([line.run] if isinstance(line, Entry) else [])

    def _line(self) -> Line | None:
        cursor = self.query_one("#runs", Ledger).cursor
        return self._lines[cursor] if cursor < len(self._lines) else None

    def lab_changed(self) -> None:
        """Fill the table and draw the curves."""
        runs = self.glance.runs
        self.set_class(not runs, "-empty")
        if not runs:
            self.query_one("#welcome", Static).update(WELCOME if self.console_app.read_once else LOADING)
            return
        ledger, at = self.query_one("#runs", Ledger), self._line()
        self._fill()
        if isinstance(at, Entry) and self.glance.run(at.key) is None:
            self.choose()
        if self.chosen is not None and not isinstance(self._line(), Heading):
            keys = [line.key for line in self._lines]
            if self.chosen.run_id in keys:
                ledger.cursor = keys.index(self.chosen.run_id)
        if self.focused is None:
            ledger.focus()
        self._show_curves()

    def _fill(self) -> None:
        """The lines anew; the cursor stays on the line it was on, where that is still in sight."""
        ledger, at = self.query_one("#runs", Ledger), self._line()
        self._lines = arrange(self.glance, self._view)
        keys = {line.key: index for index, line in enumerate(self._lines)}
        if at is not None and at.key in keys:
            ledger.set_reactive(Ledger.cursor, keys[at.key])
        lines, server, marked = self._lines, self.server, frozenset(self.console_app.marked)
        names = self._names = self._names if (named := names_of(lines)) == self._names else named

        def cells(index: int) -> Sequence[Cell]:
            return line_cells(lines[index], server, lines[index].key in marked, names)

        ledger.styles.height = min(len(lines) + 1, max(self.size.height * 2 // 5, 5))
        ledger.fit_columns(columns_of(lines))
        ledger.show_lines(len(lines), cells)
        ledger.scroll_to_cursor()
        self._show_view()

    def _show_view(self) -> None:
        shown = sum(isinstance(line, Entry) for line in self._lines)
        text = view_words(self._view, shown, len(self.glance.runs), len(self.console_app.marked))
        view = self.query_one("#view", Static)
        view.update(text)
        view.display = bool(text.plain)

    @on(Ledger.Moved)
    def choose(self) -> None:
        """All rooms look at the run under the cursor, or at the first under a heading."""
        line = self._line()
        if line is not None:
            run = line.run if isinstance(line, Entry) else line.runs[0]
            self.console_app.choose(run.run_id)
            self._show_curves()

    @on(Ledger.Chosen)
    def action_open_run(self) -> None:
        """Go to the run in detail; a heading folds or unfolds."""
        line = self._line()
        if isinstance(line, Heading):
            self._look(folded=self._view.folded ^ {line.key})
        elif line is not None:
            self.console_app.action_room("run")

    def _look(self, **changes: object) -> None:
        self._view = dataclasses.replace(self._view, **changes)  # type: ignore[arg-type]
        self._fill()
        self.choose()

    def action_mark(self) -> None:
        """Mark or unmark, and go on to the next line."""
        line = self._line()
        if line is None:
            return
        ids = {line.key} if isinstance(line, Entry) else {run.run_id for run in line.runs}
        marked = self.console_app.marked
        self._mark(marked - ids if ids <= marked else marked | ids)
        self.query_one("#runs", Ledger).action_move(1)

    def action_unmark(self) -> None:
        """No run is marked."""
        self._mark(set())

    def _mark(self, marked: set[str]) -> None:
        self.console_app.marked = marked
        self._fill()
        self.console_app.refresh_offers()

    def action_filter(self) -> None:
        """Type words; the table follows."""
        words = self.query_one("#words", Input)
        words.display = True
        words.focus()

    @on(Input.Changed, "#words")
    def take_words(self, message: Input.Changed) -> None:
        """Show the runs that have them."""
        self._look(words=message.value)

    @on(Input.Submitted, "#words")
    def leave_filter(self) -> None:
        """Back to the table; the words stay."""
        words = self.query_one("#words", Input)
        words.display = bool(words.value)
        self.query_one("#runs").focus()

    def action_clear_filter(self) -> None:
        """Take the filter's words away."""
        self.query_one("#words", Input).value = ""
        self.leave_filter()

    def action_status(self) -> None:
        """The next kind of status."""
        names = list(STATUSES)
        self._look(status=names[(names.index(self._view.status) + 1) % len(names)])

    def action_group(self) -> None:
        """The next grouping."""
        self._look(by=GROUPINGS[(GROUPINGS.index(self._view.by) + 1) % len(GROUPINGS)], folded=frozenset())

    def action_fold(self) -> None:
        """Fold everything, or unfold it where nothing is open."""
        headings = frozenset(line.key for line in self._lines if isinstance(line, Heading))
        self._look(folded=frozenset() if headings <= self._view.folded else headings)

    def action_sort(self) -> None:
        """Choose an order."""
        from idemtui.console.screens.choose import ChooseScreen

        names = list(SORTS)

        def taken(place: int | None) -> None:
            if place is not None:
                self._sort(names[place])

        now = names.index(self._view.order)
        self.app.push_screen(ChooseScreen("Sort by:", [(name, "") for name in names], now), taken)

    def _sort(self, order: str) -> None:
        turned = order == self._view.order and not self._view.descending
        self._look(order=order, descending=turned)

    @on(Ledger.TitleClicked)
    def sort_by_title(self, message: Ledger.TitleClicked) -> None:
        """Sort by the column whose title was clicked; again turns the order round."""
        title = TITLES.get(message.column.title, message.column.title)
        if title in SORTS:
            self._sort(title)

    def action_overlay(self) -> None:
        """Switch between the study's curves and one."""
        self._overlay = not self._overlay
        self._show_curves()

    def action_demo(self) -> None:
        """Queue the pocket study."""
        acting.start_demo(self.console_app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the pocket study where there is nothing yet, and the rest where there is something."""
        empty = self.console_app.read_once and not self.glance.runs
        if action in ALWAYS_RUNS:
            return empty if action == "demo" else not empty
        return super().check_action(action, parameters)

    def _show_curves(self) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        runs = overlaid(self.glance.study(chosen), chosen) if self._overlay else (chosen,)
        self._show_standing(chosen)
        self.query_one("#trait", ChartPane).show_chart(trait_chart(runs, chosen))
        self.query_one("#coherence", ChartPane).show_chart(coherence_chart(runs, chosen))
        self.query_one("#legend", Static).update(legend(runs, chosen, self.size.width))

    def server_changed(self) -> None:
        """Say why runs wait, and how long they were silent."""
        if self.glance.runs:
            self._fill()
        if self.chosen is not None:
            self._show_standing(self.chosen)

    def show_pulse(self) -> None:
        """Show the lab's own state above its runs."""
        super().show_pulse()
        text = strip_text(self.server, self.glance, self.size.width, self.has_class("-tall"))
        strip = self.query_one("#strip", Static)
        strip.update(text)
        strip.display = bool(text.plain)

    def _show_standing(self, chosen: Run) -> None:
        line = self._line()
        if isinstance(line, Heading):
            self.query_one("#standing", Static).update(heading_words(line))
            return
        text = standing(chosen, self.glance, self.server, LOG_LINES if self.has_class("-tall") else 0)
        self.query_one("#standing", Static).update(text)
