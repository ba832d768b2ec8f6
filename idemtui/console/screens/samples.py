"""Samples: a list of any length beside one text in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial

from rich.text import Text
from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.facts import BASE
from idemtui.console.messages import SampleRead, SamplesCounted, SamplesRead
from idemtui.console.reader import Reader
from idemtui.console.screens.room import Room
from idemtui.console.text_facts import Listing, Order, Sample, SampleFilter
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import PAGE, Ledger
from idemtui.console.widgets.prose import sample_text
from idemtui.console.words import generation, number
from idemtui.text import one_line

COLUMNS = (
    Column("gen", 4),
    Column("s", 4, right=True),
    Column("coh", 4, right=True),
    Column("for", 8, rank=2),
    Column("run", 12, rank=3),
    Column("prompt", 12, rank=4, flex=1),
    Column("answer", 14, flex=3),
)
PURPOSES: tuple[str | None, ...] = ("eval", "train", "rejected", "seed", None)
ORDERS: tuple[Order, ...] = ("drawn", "trait", "coherence", "length")

OPENING = 300
"""Characters of a text that a line of the list may show."""


class SamplesScreen(Room):
    """List and text; the filter above them in words."""

    ROOM = "samples"

    def __init__(self) -> None:
        super().__init__()
        self._asked = Listing()
        self._lines: dict[int, Sample] = {}
        self._count: int | None = None
        self._all_runs = False
        self._shown_id: str | None = None

    def contents(self) -> Iterable[Widget]:
        """Filter, list, text."""
        yield Static(id="filter")
        with Horizontal(id="reading"):
            yield Ledger(COLUMNS, id="samples")
            with VerticalScroll(id="text", can_focus=False):
                yield Static(id="sample")

    def on_mount(self) -> None:
        """Take the order of last time."""
        self._asked = dataclasses.replace(self._asked, order=self.console_app.remembered.order)

    def lab_changed(self) -> None:
        """Count anew; the place in the list stays."""
        run = self.chosen
        run_id = None if run is None or self._all_runs else run.run_id
        if run_id != self._asked.wanted.run_id:
            self._take(run_id=run_id)
        else:
            self._ask_count()
        self.query_one(Ledger).focus()

    def _take(self, **changes: object) -> None:
        wanted = dataclasses.replace(self._asked.wanted, **changes)  # type: ignore[arg-type]
        self._list(dataclasses.replace(self._asked, wanted=wanted))

    def _list(self, asked: Listing) -> None:
        self._asked = asked
        self.console_app.remembered.order = asked.order
        self._count = None
        self.query_one(Ledger).set_reactive(Ledger.cursor, 0)
        self._ask_count()

    def _ask_count(self) -> None:
        self._show_filter()
        self.ask("count", partial(_count, self._asked.wanted))

    @on(SamplesCounted)
    def show_count(self, message: SamplesCounted) -> None:
        """Let the list ask for what is in sight."""
        if message.wanted != self._asked.wanted:
            return
        ledger, known = self.query_one(Ledger), self._count
        self._count = message.count
        self._show_filter()
        if known is None:
            self._lines.clear()
            self._shown_id = None
            ledger.show_count(message.count)
        else:
            ledger.renew(message.count)
        if not message.count:
            self.query_one("#sample", Static).update(Text("No samples here.", "dim"))

    @on(Ledger.PageWanted)
    def want_page(self, message: Ledger.PageWanted) -> None:
        """Ask for a page that came in sight."""
        self.ask(f"page {message.offset}", partial(_page, self._asked, message.offset))

    @on(SamplesRead)
    def show_page(self, message: SamplesRead) -> None:
        """Fill the list; read the sample under the cursor if it just came."""
        if message.asked != self._asked:
            return
        ledger = self.query_one(Ledger)
        before = self._lines.get(ledger.cursor)
        self._lines.update(enumerate(message.samples, message.offset))
        ledger.show_page(
            message.offset, [sample_cells(sample, self._run_name(sample.run_id)) for sample in message.samples]
        )
        if self._lines.get(ledger.cursor) != before:
            self._read(ledger.cursor)

    @on(Ledger.Moved)
    def move(self, message: Ledger.Moved) -> None:
        """Read the sample under the cursor."""
        self._read(message.row)

    def _read(self, row: int) -> None:
        line = self._lines.get(row)
        if line is not None:
            self.ask("sample", partial(_sample, line.sample_id))

    @on(SampleRead)
    def show_sample(self, message: SampleRead) -> None:
        """Show one text, from its beginning where it is another one."""
        reading = message.reading
        if reading is None:
            return
        self.query_one("#sample", Static).update(sample_text(reading, self._run_name(reading.sample.run_id)))
        if reading.sample.sample_id != self._shown_id:
            self._shown_id = reading.sample.sample_id
            self.query_one("#text").scroll_home(animate=False)

    @on(Ledger.Chosen)
    def action_read(self) -> None:
        """Give the text the whole width, or show the list beside it again."""
        self.toggle_class("-reading")

    def action_scroll_text(self, lines: int) -> None:
        """Scroll the text; the list's own keys go on moving in the list."""
        self.query_one("#text").scroll_relative(y=lines, animate=False)

    def action_cycle(self, step: int) -> None:
        """Another generation; before base and after the newest come all of them."""
        cycles = [None, *range(BASE, self._last_cycle() + 1)]
        place = cycles.index(self._asked.wanted.cycle) if self._asked.wanted.cycle in cycles else 0
        self._take(cycle=cycles[(place + step) % len(cycles)])

    def _last_cycle(self) -> int:
        run = self.glance.run(self._asked.wanted.run_id)
        return max((r.cycles for r in self.glance.runs), default=0) if run is None else run.cycles

    def action_purpose(self) -> None:
        """The next purpose."""
        place = PURPOSES.index(self._asked.wanted.purpose)
        self._take(purpose=PURPOSES[(place + 1) % len(PURPOSES)])

    def action_order(self) -> None:
        """The next order."""
        order = ORDERS[(ORDERS.index(self._asked.order) + 1) % len(ORDERS)]
        self._list(dataclasses.replace(self._asked, order=order))

    def action_all_runs(self) -> None:
        """All runs, or the chosen one."""
        self._all_runs = not self._all_runs
        self.lab_changed()

    def _show_filter(self) -> None:
        run_id = self._asked.wanted.run_id
        run_name = "all runs" if run_id is None else self._run_name(run_id)
        self.query_one("#filter", Static).update(filter_words(self._asked, run_name, self._count))

    def _run_name(self, run_id: str) -> str:
        run = self.glance.run(run_id)
        return one_line(run.name) if run else run_id


def filter_words(asked: Listing, run_name: str, count: int | None) -> Text:
    """The filter, each part with the key that changes it."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    wanted = asked.wanted
    parts = (
        ("[ ]", run_name),
        ("← →", "all generations" if wanted.cycle is None else generation(wanted.cycle)),
        ("p", wanted.purpose or "all purposes"),
        ("s", "as drawn" if asked.order == "drawn" else f"by {asked.order}"),
    )
    for key, words in parts:
        text.append(f" {key} ", "dim")
        text.append(words, "bold")
        text.append(" ")
    text.append("  counting …" if count is None else f"  {count:,} samples", "dim")
    return text


def sample_cells(sample: Sample, run_name: str) -> Sequence[Cell]:
    """One sample as a row."""
    return (
        Cell(generation(sample.cycle), "accent"),
        Cell(number(sample.trait, 0)),
        Cell(number(sample.coherence, 0)),
        Cell(sample.purpose, "dim"),
        Cell(run_name, "dim"),
        Cell(one_line(sample.prompt[:OPENING]), "dim"),
        Cell(one_line(sample.response[:OPENING]) or "(empty)", "" if sample.kept else "warn"),
    )


def _count(wanted: SampleFilter, reader: Reader) -> SamplesCounted:
    return SamplesCounted(wanted, reader.count_samples(wanted))


def _page(asked: Listing, offset: int, reader: Reader) -> SamplesRead:
    return SamplesRead(asked, offset, reader.samples(asked, offset, PAGE))


def _sample(sample_id: str, reader: Reader) -> SampleRead:
    return SampleRead(reader.sample(sample_id))
