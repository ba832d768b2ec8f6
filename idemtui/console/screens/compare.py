"""Compare: runs and cells overlaid, grouped by any setting; their paths, and what else moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

from rich.text import Text
from textual import on
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.comparing import Compared, curves_chart, marker, path_chart
from idemtui.console.facts import BASE, Run
from idemtui.console.messages import ComparedRead
from idemtui.console.reader import Reader
from idemtui.console.screens.room import Room
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.columns import Cell, Column, name_cells
from idemtui.console.widgets.heat import heat_text
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.still import Still
from idemtui.console.words import NONE, generation, score, signed, variance_words, verdict_label, verdict_words
from idemtui.drawn import drawn_words
from idemtui.text import one_line
from store.compare import ALWAYS, Group

Whose = Literal["marked", "study", "lab"]
PANELS = ("trait", "coherence", "paths", "delta", "matrix")
COLUMNS = (
    Column("", 1),
    Column("group", 16, flex=2, name=True),
    Column("runs", 4, right=True),
    Column("gen", 4),
    Column("s(M0)", 5, rank=3, right=True),
    Column("s", 5, right=True),
    Column("Δ [90 %]", 22, rank=1),
    Column("coh", 4, right=True),
    Column("label", 10),
    Column("A, L [90 %]", 26, rank=2, flex=1),
)
ONE_GROUP = "These runs do not differ in anything but their seeds."
EMPTY = "No run yet: 1 shows the lab."


class CompareScreen(Room):
    """The groups in a table, and five views of them: all where there is room, else one at a time."""

    ROOM = "compare"

    def __init__(self) -> None:
        super().__init__()
        self._whose: Whose = "study"
        self._by = "cell"
        self._panel = 0
        self._cycle: int | None = None
        self._asked: object = None
        self._compared: Compared | None = None

    def contents(self) -> Iterable[Widget]:
        """Which runs, groups, views."""
        yield Still(EMPTY, id="whose")
        yield Ledger(COLUMNS, id="groups")
        yield Still(id="worth")
        yield Still(id="panels-title")
        with Container(id="panels"):
            for name in PANELS[:-1]:
                yield ChartPane(id=name)
            with VerticalScroll(id="matrix", can_focus=False):
                yield Still(id="heat")

    def on_screen_resume(self) -> None:
        """Somebody who marked runs comes to compare them."""
        self._whose = "marked" if self._marked() else "study" if self._whose == "marked" else self._whose
        super().on_screen_resume()

    def lab_changed(self) -> None:
        """Ask again where a run of those compared has gone further, or others are compared."""
        self._show_panel()
        runs = self._runs()
        standing = (
            self._whose,
            self._by,
            self.glance.judge,
            tuple((r.run_id, len(r.points), r.verdict is not None) for r in runs),
        )
        if runs and standing != self._asked:
            self._asked = standing
            self.ask("compare", partial(_compare, standing, [run.run_id for run in runs], self._by))
        self._show_whose()
        self.query_one("#groups").focus()

    def _marked(self) -> list[Run]:
        return [run for run in self.glance.runs if run.run_id in self.console_app.marked]

    def _runs(self) -> Sequence[Run]:
        chosen = self.chosen
        if chosen is None:
            return ()
        if self._whose == "marked":
            return self._marked()
        return self.glance.runs if self._whose == "lab" else self.glance.study(chosen)

    @on(ComparedRead)
    def show_compared(self, message: ComparedRead) -> None:
        """Show the groups; the cursor stays on the group it was on."""
        if message.whose != self._asked:
            return
        before, self._compared = self._compared, message.compared
        groups = message.compared.groups
        ledger = self.query_one("#groups", Ledger)
        ledger.styles.height = min(len(groups) + 1, max(self.size.height // 4, 4))
        names = [group.name for group in groups]
        at = before.groups[ledger.cursor].name if before and ledger.cursor < len(before.groups) else ""
        named = name_cells([one_line(group.name) for group in groups])
        ledger.show_rows([group_cells(g, index, named[index], self._method(g)) for index, g in enumerate(groups)])
        ledger.cursor = names.index(at) if at in names else 0
        self._show_whose()
        self._show_views()

    @on(Ledger.Moved)
    def move(self) -> None:
        """The group under the cursor is drawn over the others."""
        self._show_views()

    def _show_views(self) -> None:
        compared, chosen = self._compared, self.query_one("#groups", Ledger).cursor
        if compared is None:
            return
        groups = compared.groups
        worth = worth_words(groups[chosen], self._method(groups[chosen])) if chosen < len(groups) else ""
        self.query_one("#worth", Static).update(worth)
        for name in ("trait", "coherence", "delta"):
            self.query_one(f"#{name}", ChartPane).show_chart(curves_chart(groups, chosen, name, compared.judge))
        self.query_one("#paths", ChartPane).show_chart(path_chart(groups, chosen, compared.judge))
        methods = {group.name: self._method(group) for group in groups}
        self.query_one("#heat", Static).update(matrix_text(compared, self._shown_cycle(compared), methods))

    def _method(self, group: Group) -> str | None:
        return self.glance.method(group.run_ids)

    def _shown_cycle(self, compared: Compared) -> int:
        cycles = cycles_of(compared)
        return cycles[-1] if self._cycle is None else min(max(self._cycle, cycles[0]), cycles[-1])

    def _show_whose(self) -> None:
        self.query_one("#whose", Static).update(whose_words(self._whose, self._by, self._runs(), self._compared))

    def _show_panel(self) -> None:
        for index, name in enumerate(PANELS):
            self.query_one(f"#{name}").set_class(index == self._panel, "-shown")
        title = Text(no_wrap=True, end="")
        for index, name in enumerate(PANELS):
            here = index == self._panel
            title.append(f" [{name}] " if here else f"  {name}  ", "bold" if here else "dim")
        self.query_one("#panels-title", Static).update(title)

    def action_panel(self, step: int) -> None:
        """Go to another view."""
        self._panel = (self._panel + step) % len(PANELS)
        self._show_panel()

    def action_cycle(self, step: int) -> None:
        """Show the matrix of another generation."""
        if self._compared is not None:
            cycles = cycles_of(self._compared)
            self._cycle = min(max(self._shown_cycle(self._compared) + step, cycles[0]), cycles[-1])
            self._show_views()

    def action_whose(self) -> None:
        """The next set of runs that is not empty."""
        order: list[Whose] = ["marked", "study", "lab"] if self._marked() else ["study", "lab"]
        self._whose = order[(order.index(self._whose) + 1) % len(order)] if self._whose in order else order[0]
        self.lab_changed()

    def action_by(self) -> None:
        """Choose what to group by."""
        from idemtui.console.screens.choose import ChooseScreen

        if self._compared is None:
            return
        differing = {choice.name: ", ".join(choice.values) for choice in self._compared.comparison.choices}
        names = list(dict.fromkeys([*ALWAYS, *differing]))

        def taken(place: int | None) -> None:
            if place is not None:
                self._by = names[place]
                self.lab_changed()

        choices = [(name, differing.get(name, "the same in all")) for name in names]
        now = names.index(self._by) if self._by in names else 0
        self.app.push_screen(ChooseScreen("Group the runs by:", choices, now), taken)

    @on(Ledger.Chosen)
    def action_open_group(self) -> None:
        """Go to the first run of the group under the cursor."""
        cursor = self.query_one("#groups", Ledger).cursor
        if self._compared is not None and cursor < len(self._compared.groups):
            self.console_app.choose(self._compared.groups[cursor].run_ids[0])
            self.console_app.action_room("run")


def cycles_of(compared: Compared) -> list[int]:
    """The generations that any group has, base where none has any."""
    return sorted({point.cycle for group in compared.groups for point in group.points}) or [BASE]


def group_cells(group: Group, index: int, name: Cell, method: str | None = None) -> Sequence[Cell]:
    """One group as a row: its newest generation, with the interval over its runs, and ≈ where a judge drew."""
    last, seeded = group.points[-1] if group.points else None, next((p for p in group.points if p.cycle == 0), None)
    delta = NONE
    if last is not None and last.cycle > 0:
        delta = signed(last.delta)
        if last.delta_low is not None:
            delta += f" [{signed(last.delta_low)}, {signed(last.delta_high)}]"
    return (
        Cell(marker(index)),
        name,
        Cell(str(len(group.run_ids))),
        Cell(generation(last.cycle) if last else NONE),
        Cell(score(seeded.trait if seeded else None, method)),
        Cell(score(last.trait if last else None, method)),
        Cell(delta),
        Cell(score(last.coherence if last else None, method, 0)),
        Cell(verdict_label(group.verdict)),
        Cell(verdict_words(group.verdict), "dim"),
    )


def worth_words(group: Group, method: str | None = None) -> Text:
    """What the group under the cursor rests on: drawn scores, its verdict's variance, and what that lacks."""
    verdict = group.verdict
    lines = [group.mixed or "", *drawn_words(method), *([variance_words(verdict), *verdict.notes] if verdict else [])]
    return Text("\n".join(f"   {one_line(line)}" for line in lines if line), "dim", no_wrap=True, overflow="ellipsis")


def whose_words(whose: Whose, by: str, runs: Sequence[Run], compared: Compared | None) -> Text:
    """Which runs, grouped by what, each part with the key that changes it."""
    if not runs:
        return Text(EMPTY)
    named = {"marked": "the marked runs", "study": f"study {one_line(runs[0].study)}", "lab": "the whole lab"}[whose]
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    for key, words in (("a", f"{named}, {len(runs)} runs"), ("b", f"by {by}")):
        text.append(f" {key} ", "dim")
        text.append(words + " ", "bold")
    if compared is None:
        text.append("  reading …", "dim")
    elif len(compared.groups) == 1 and by in ALWAYS and len(runs) > 1 and not compared.comparison.choices:
        text.append(f"  {ONE_GROUP}", "dim")
    return text


def matrix_text(compared: Compared, cycle: int, methods: Mapping[str, str | None]) -> Text:
    """Groups by traits at one generation; a cell holds the score and how far it is from base."""
    if not compared.matrix:
        return Text(" this judge scored nothing here" if compared.judge else " nothing scored yet", "dim")

    def value(group: str, trait: str) -> tuple[float | None, float | None]:
        now, base = compared.value(group, cycle, trait), compared.value(group, BASE, trait)
        return now, None if now is None or base is None else now - base

    names = [group.name for group in compared.groups]
    text = Text(f" every scored trait at {generation(cycle)}, and its distance from base   ← → another\n\n", "bold")
    text.append(heat_text(names, compared.traits, value, "group", methods))
    if len(compared.traits) == 1:
        others = "idemtui judge RUN --metric trait:OTHER" if compared.judge else "eval.traits in a study file"
        text.append(f"\n\n Only the seeded trait was scored.\n {others} scores others too.", "dim")
    return text


def _compare(whose: object, run_ids: list[str], by: str, reader: Reader) -> ComparedRead:
    return ComparedRead(whose, reader.compare(run_ids, by))
