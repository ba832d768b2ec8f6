"""Samples: a list of any length beside one text in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial
from typing import get_args

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from idemtui.console.facts import BASE, Glance
from idemtui.console.messages import Refused
from idemtui.console.sample_list import SampleList
from idemtui.console.sample_messages import Annotated, LinesRead, PlacesFound, SamplesRead
from idemtui.console.screens import sample_questions as questions
from idemtui.console.screens.room import Room
from idemtui.console.screens.sample_questions import Wanted
from idemtui.console.searching import search
from idemtui.console.text_facts import MEASURED, Line, Listing, Order, Reading
from idemtui.console.widgets.columns import Cell
from idemtui.console.widgets.filter_line import FilterLine
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.page import Page
from idemtui.console.widgets.sample_lines import COLUMNS, filter_words, sample_cells
from idemtui.console.widgets.sample_text import sample_text
from idemtui.console.widgets.still import Still

PURPOSES: tuple[str | None, ...] = ("eval", "train", "rejected", "seed", None)
ORDERS: tuple[Order, ...] = get_args(Order)


class SamplesScreen(Room):
    """List and text; the filter above them in words."""

    ROOM = "samples"

    def __init__(self) -> None:
        super().__init__()
        self._list = SampleList()
        self._all_runs = False
        self._shown_id: str | None = None
        self._seen: Glance | None = None
        """The lab as it was when the list was last sought."""

    def contents(self) -> Iterable[Widget]:
        """Filter, list, text."""
        yield Still(id="filter")
        yield FilterLine()
        with Horizontal(id="reading"):
            yield Ledger(COLUMNS, id="samples")
            yield Page(id="sample")

    def on_mount(self) -> None:
        """Take the order of last time."""
        self._list.asked = Listing(order=self.console_app.remembered.order)
        # Not by a message, which would come after the list was painted: list and text are one picture.
        self.watch(self.query_one(Ledger), "cursor", self._read, init=False)

    def lab_changed(self) -> None:
        """Look again; the place in the list stays. What takes long to find is not sought again by itself."""
        run = self.chosen
        run_id = None if run is None or self._all_runs else run.run_id
        wanted, seen, self._seen = self._list.asked.wanted, self._seen, self.glance
        if run_id != wanted.run_id or not self._list.number:
            self._want(run_id=run_id)
        elif self.glance.judge != wanted.judge:
            self._judged_anew()
        elif seen is not self.glance and self._list.quick:
            self._search(anew=False)
        if self.focused is None:
            self.query_one(Ledger).focus()

    def _judged_anew(self) -> None:
        """Another judge's scores beside the same samples, else another list."""
        if self._list.rejudge(self.glance.judge):
            self.query_one(Ledger).renew(self._list.count)
        else:
            self._want()

    def _want(self, **changes: object) -> None:
        wanted = dataclasses.replace(self._list.asked.wanted, **changes)  # type: ignore[arg-type]
        self._seek(dataclasses.replace(self._list.asked, wanted=wanted))

    def _seek(self, asked: Listing) -> None:
        self._list.asked = dataclasses.replace(asked, wanted=dataclasses.replace(asked.wanted, judge=self.glance.judge))
        self.console_app.remembered.order = asked.order
        self._search(anew=True)

    def _search(self, *, anew: bool) -> None:
        self._list.begin(anew=anew)
        if anew:
            self._shown_id = None
            ledger = self.query_one(Ledger)
            ledger.set_reactive(Ledger.cursor, 0)
            ledger.show_count(0)
        self.query_one(FilterLine).say("")
        self._show_filter()
        reader, asked, number = self.console_app.reader, self._list.asked, self._list.number

        async def searching() -> None:
            await search(reader, asked, number, self.post_message)

        _: Worker[None] = self.run_worker(searching, group="places", exclusive=True)

    @on(PlacesFound)
    def show_places(self, message: PlacesFound) -> None:
        """Let the list grow, and ask for what is in sight."""
        if message.number != self._list.number:
            return
        ledger = self.query_one(Ledger)
        if self._list.take(message.parts, message.share):
            ledger.renew(self._list.count)
        elif self._list.share is not None:
            ledger.grow(self._list.count)
        self._show_filter()
        if message.share >= 1 and not self._list.count:
            self.query_one(Page).show(Text("No samples here.", "dim"), from_start=True)

    @on(Refused)
    def show_wrong_filter(self, message: Refused) -> None:
        """A filter that cannot be is said where it was typed."""
        if message.group == "places":
            message.prevent_default()
            self._list.stop()
            self.query_one(FilterLine).say(message.reason)
            self._show_filter()

    @on(Ledger.PageWanted)
    def want_page(self, message: Ledger.PageWanted) -> None:
        """Ask for a page that came in sight."""
        held, at = self._list, self.query_one(Ledger).cursor
        page = Wanted(held.number, message.offset, held.page(message.offset), held.asked.wanted.judge)
        self.ask(f"page {message.offset}", partial(questions.page, page, at))

    @on(LinesRead)
    def show_page(self, message: LinesRead) -> None:
        """Fill the list; read the sample under the cursor if it just came."""
        ledger = self.query_one(Ledger)
        if message.number != self._list.number:
            ledger.forget(message.offset)
            return
        before = self._list.lines.get(ledger.cursor)
        self._list.nearby.keep(message.readings)
        self._list.keep(message.offset, message.lines)
        ledger.show_page(message.offset, [self._cells(line) for line in message.lines])
        if self._list.lines.get(ledger.cursor) != before:
            self._read(ledger.cursor)

    def _read(self, row: int) -> None:
        """Show the sample under the cursor, and have those around it read."""
        line = self._list.lines.get(row)
        if line is None:
            return
        if (reading := self._list.nearby.get(line.sample_id)) is not None:
            self._show(reading)
        if lacking := self._list.nearby.lacking(self._list.lines, row):
            self.ask("sample", partial(questions.samples, self._list.number, lacking))

    @on(SamplesRead)
    def keep_samples(self, message: SamplesRead) -> None:
        """Keep them; show the one under the cursor if it has just come."""
        if message.number != self._list.number:
            return
        self._list.nearby.keep(message.readings)
        line = self.under_cursor
        if line is not None and line.sample_id in message.readings:
            self._show(message.readings[line.sample_id])

    def _show(self, reading: Reading) -> None:
        another, self._shown_id = reading.line.sample_id != self._shown_id, reading.line.sample_id
        text = sample_text(reading, self.glance.called(reading.line.run_id))
        self.query_one(Page).show(text, from_start=another)

    @property
    def under_cursor(self) -> Line | None:
        """The sample that is pointed at, once it has been read."""
        return self._list.lines.get(self.query_one(Ledger).cursor)

    def action_filter(self) -> None:
        """Type a filter; Enter takes it, Esc leaves it as it was."""
        self.query_one(FilterLine).edit(self._list.asked.wanted)

    @on(FilterLine.Taken)
    def take_filter(self, message: FilterLine.Taken) -> None:
        """List what was typed."""
        self.query_one(Ledger).focus()
        self._seek(dataclasses.replace(self._list.asked, wanted=message.wanted))

    def action_leave_off(self) -> None:
        """Close the line, else stop a search, else clear the filter."""
        line = self.query_one(FilterLine)
        if line.typing:
            line.close()
            self.query_one(Ledger).focus()
        elif self._list.found < 1:
            self.workers.cancel_group(self, "places")
            self._list.stop()
            self._show_filter(stopped=True)
        elif self._list.filtered:
            measured = dataclasses.replace(MEASURED, run_id=self._list.asked.wanted.run_id)
            self._seek(dataclasses.replace(self._list.asked, wanted=measured))

    @on(Ledger.Chosen)
    def action_read(self) -> None:
        """Give the text the whole width, or show the list beside it again."""
        self.toggle_class("-reading")

    def action_scroll_text(self, lines: int) -> None:
        """Scroll the text; the list's own keys go on moving in the list."""
        self.query_one(Page).scroll_relative(y=lines, animate=False)

    def action_cycle(self, step: int) -> None:
        """Another generation; before base and after the newest come all of them."""
        cycles = [None, *range(BASE, self._last_cycle() + 1)]
        now = self._list.asked.wanted.cycle
        place = cycles.index(now) if now in cycles else 0
        self._want(cycle=cycles[(place + step) % len(cycles)])

    def _last_cycle(self) -> int:
        run = self.glance.run(self._list.asked.wanted.run_id)
        return max((r.cycles for r in self.glance.runs), default=0) if run is None else run.cycles

    def action_purpose(self) -> None:
        """The next purpose."""
        place = PURPOSES.index(self._list.asked.wanted.purpose)
        self._want(purpose=PURPOSES[(place + 1) % len(PURPOSES)])

    def action_order(self, step: int) -> None:
        """The next order."""
        order = ORDERS[(ORDERS.index(self._list.asked.order) + step) % len(ORDERS)]
        self._seek(dataclasses.replace(self._list.asked, order=order))

    def action_all_runs(self) -> None:
        """All runs, or the chosen one."""
        self._all_runs = not self._all_runs
        self.lab_changed()

    def action_mark(self) -> None:
        """Ask for a word; the sample's own mark stands there to be taken back."""
        questions.ask_mark(self, self.under_cursor)

    def action_remark(self) -> None:
        """Ask for a remark."""
        questions.ask_remark(self, self.under_cursor)

    def action_to_ladder(self) -> None:
        """Look at the same prompt in the Ladder."""
        line = self.under_cursor
        if line is not None:
            self.console_app.choose(self._list.asked.wanted.run_id or line.run_id)
            self.console_app.wanted_prompt = line.prompt_id
            self.console_app.action_room("ladder")

    def action_label(self) -> None:
        """Label the answers of the run in sight."""
        questions.ask_label(self, self._list.asked.wanted.run_id, self._list.asked.wanted.cycle)

    def action_ancestry(self) -> None:
        """Which training rows the sample goes back to."""
        questions.show_ancestry(self, self.under_cursor, self._list.asked.wanted.run_id)

    def action_phrases(self) -> None:
        """Which phrases spread in the run."""
        questions.show_phrases(self, self._list.asked.wanted.run_id)

    @on(Annotated)
    def show_annotated(self, message: Annotated) -> None:
        """Say that it is written down, and show it."""
        self.notify(message.words, markup=False)
        self._list.nearby.forget()
        self._read(self.query_one(Ledger).cursor)
        self.query_one(Ledger).renew(self._list.count)

    def _cells(self, line: Line | None) -> Sequence[Cell]:
        return sample_cells(line, self.glance.called, self.glance.method, self.glance.names)

    def _show_filter(self, *, stopped: bool = False) -> None:
        held, run_id = self._list, self._list.asked.wanted.run_id
        run_name = "all runs" if run_id is None else self.glance.called(run_id)
        words = filter_words(held.asked, run_name, held.count, held.share, stopped=stopped)
        self.query_one("#filter", Static).update(words)
