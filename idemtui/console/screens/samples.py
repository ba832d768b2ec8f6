"""Samples: a list of any length beside one text in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import partial
from typing import get_args

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from engine.errors import UsageError
from idemtui.console.facts import BASE, Glance
from idemtui.console.filter_words import HINT, line_of, parse
from idemtui.console.messages import Refused
from idemtui.console.nearby import Nearby
from idemtui.console.sample_messages import Annotated, LinesRead, PlacesFound, SamplesRead
from idemtui.console.sample_places import Places
from idemtui.console.screens import sample_questions as questions
from idemtui.console.screens.room import Room
from idemtui.console.searching import search
from idemtui.console.text_facts import MEASURED, Line, Listing, Order, Reading
from idemtui.console.widgets.ledger import PAGE, PAGES_KEPT, Ledger
from idemtui.console.widgets.page import Page
from idemtui.console.widgets.sample_lines import COLUMNS, filter_words, sample_cells
from idemtui.console.widgets.sample_text import sample_text
from idemtui.console.widgets.still import Still
from idemtui.text import one_line

PURPOSES: tuple[str | None, ...] = ("eval", "train", "rejected", "seed", None)
ORDERS: tuple[Order, ...] = get_args(Order)


class SamplesScreen(Room):
    """List and text; the filter above them in words."""

    ROOM = "samples"

    def __init__(self) -> None:
        super().__init__()
        self._asked = Listing()
        self._number = 0
        self._places = Places()
        self._coming: Places | None = None
        """A list that is already shown, read anew; it takes its place when it is whole."""
        self._share = 1.0
        self._lines: dict[int, Line | None] = {}
        self._all_runs = False
        self._nearby = Nearby()
        self._shown_id: str | None = None
        self._seen: Glance | None = None
        """The lab as it was when the list was last sought."""

    def contents(self) -> Iterable[Widget]:
        """Filter, list, text."""
        yield Still(id="filter")
        yield Input(id="filter-line", compact=True, select_on_focus=False)
        yield Still(id="filter-trouble")
        with Horizontal(id="reading"):
            yield Ledger(COLUMNS, id="samples")
            yield Page(id="sample")

    def on_mount(self) -> None:
        """Take the order of last time."""
        self._asked = dataclasses.replace(self._asked, order=self.console_app.remembered.order)
        self.query_one("#filter-line", Input).cursor_blink = False
        # Not by a message, which would come after the list was painted: list and text are one picture.
        self.watch(self.query_one(Ledger), "cursor", self._read, init=False)

    def lab_changed(self) -> None:
        """Look again; the place in the list stays. What takes long to find is not sought again by itself."""
        run = self.chosen
        run_id = None if run is None or self._all_runs else run.run_id
        wanted, seen, self._seen = self._asked.wanted, self._seen, self.glance
        if run_id != wanted.run_id or not self._number:
            self._take(run_id=run_id)
        elif seen is not self.glance and (
            run_id is not None or (wanted.pattern is None and self._asked.order == "drawn")
        ):
            self._nearby.forget()
            self._search(anew=False)
        if self.focused is None:
            self.query_one(Ledger).focus()

    def _take(self, **changes: object) -> None:
        wanted = dataclasses.replace(self._asked.wanted, **changes)  # type: ignore[arg-type]
        self._list(dataclasses.replace(self._asked, wanted=wanted))

    def _list(self, asked: Listing) -> None:
        self._asked = asked
        self.console_app.remembered.order = asked.order
        self._search(anew=True)

    def _search(self, *, anew: bool) -> None:
        self._number += 1
        self._coming = None if anew else Places()
        self._share = 0.0
        if anew:
            self._places, self._lines, self._shown_id = Places(), {}, None
            self._nearby.forget()
            ledger = self.query_one(Ledger)
            ledger.set_reactive(Ledger.cursor, 0)
            ledger.show_count(0)
        self._say_trouble("")
        self._show_filter()
        reader, asked, number = self.console_app.reader, self._asked, self._number

        async def searching() -> None:
            await search(reader, asked, number, self.post_message)

        _: Worker[None] = self.run_worker(searching, group="places", exclusive=True)

    @on(PlacesFound)
    def show_places(self, message: PlacesFound) -> None:
        """Let the list grow, and ask for what is in sight."""
        if message.number != self._number:
            return
        ledger, self._share = self.query_one(Ledger), message.share
        if self._coming is None:
            self._places.add(message.parts)
            ledger.grow(self._places.count)
        else:
            self._coming.add(message.parts)
            if message.share >= 1:
                self._places, self._coming = self._coming, None
                ledger.renew(self._places.count)
        self._show_filter()
        if message.share >= 1 and not self._places.count:
            self.query_one(Page).show(Text("No samples here.", "dim"), from_start=True)

    @on(Refused)
    def show_wrong_filter(self, message: Refused) -> None:
        """A filter that cannot be is said where it was typed."""
        if message.group == "places":
            message.prevent_default()
            self._share = 1.0
            self._say_trouble(message.reason)
            self._show_filter()

    def _say_trouble(self, words: str) -> None:
        hint = HINT if self.has_class("-filtering") else ""
        told = Text(f"✗ {words}", "bold red") if words else Text(hint, "dim")
        self.query_one("#filter-trouble", Static).update(told)
        self.set_class(bool(words or hint), "-telling")

    @on(Ledger.PageWanted)
    def want_page(self, message: Ledger.PageWanted) -> None:
        """Ask for a page that came in sight."""
        places, at = self._places.stretch(message.offset, PAGE), self.query_one(Ledger).cursor
        self.ask(f"page {message.offset}", partial(questions.page, self._number, message.offset, places, at))

    @on(LinesRead)
    def show_page(self, message: LinesRead) -> None:
        """Fill the list; read the sample under the cursor if it just came."""
        ledger = self.query_one(Ledger)
        if message.number != self._number:
            ledger.forget(message.offset)
            return
        before = self._lines.get(ledger.cursor)
        self._nearby.keep(message.readings)
        for row, line in enumerate(message.lines, message.offset):
            self._lines.pop(row, None)
            self._lines[row] = line
        while len(self._lines) > PAGE * PAGES_KEPT:
            del self._lines[next(iter(self._lines))]
        ledger.show_page(
            message.offset, [sample_cells(line, self._run_name, self.glance.method) for line in message.lines]
        )
        if self._lines.get(ledger.cursor) != before:
            self._read(ledger.cursor)

    def _read(self, row: int) -> None:
        """Show the sample under the cursor, and have those around it read."""
        line = self._lines.get(row)
        if line is None:
            return
        if (reading := self._nearby.get(line.sample_id)) is not None:
            self._show(reading)
        if lacking := self._nearby.lacking(self._lines, row):
            self.ask("sample", partial(questions.samples, self._number, lacking))

    @on(SamplesRead)
    def keep_samples(self, message: SamplesRead) -> None:
        """Keep them; show the one under the cursor if it has just come."""
        if message.number != self._number:
            return
        self._nearby.keep(message.readings)
        line = self.under_cursor
        if line is not None and line.sample_id in message.readings:
            self._show(message.readings[line.sample_id])

    def _show(self, reading: Reading) -> None:
        another, self._shown_id = reading.line.sample_id != self._shown_id, reading.line.sample_id
        text = sample_text(reading, self._run_name(reading.line.run_id))
        self.query_one(Page).show(text, from_start=another)

    @property
    def under_cursor(self) -> Line | None:
        """The sample that is pointed at, once it has been read."""
        return self._lines.get(self.query_one(Ledger).cursor)

    def action_filter(self) -> None:
        """Type a filter; Enter takes it, Esc leaves it as it was."""
        line = self.query_one("#filter-line", Input)
        line.value = f"{line_of(self._asked.wanted)} ".lstrip()
        line.cursor_position = len(line.value)
        self.add_class("-filtering")
        self._say_trouble("")
        line.focus()

    @on(Input.Submitted, "#filter-line")
    def take_filter(self, event: Input.Submitted) -> None:
        """Search, or say in one line what the filter cannot mean."""
        try:
            wanted = parse(event.value.rstrip() if " /" not in event.value else event.value, self._asked.wanted.run_id)
        except UsageError as error:
            self._say_trouble(str(error))
            return
        self._close_filter()
        self._list(dataclasses.replace(self._asked, wanted=wanted))

    def _close_filter(self) -> None:
        self.remove_class("-filtering")
        self._say_trouble("")
        self.query_one(Ledger).focus()

    def action_leave_off(self) -> None:
        """Close the line, else stop a search, else clear the filter."""
        if self.has_class("-filtering"):
            self._close_filter()
        elif self._share < 1:
            self.workers.cancel_group(self, "places")
            self._share, self._coming = 1.0, None
            self._show_filter(stopped=True)
        elif self._asked.wanted != dataclasses.replace(MEASURED, run_id=self._asked.wanted.run_id):
            self._list(Listing(dataclasses.replace(MEASURED, run_id=self._asked.wanted.run_id), self._asked.order))

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
        place = cycles.index(self._asked.wanted.cycle) if self._asked.wanted.cycle in cycles else 0
        self._take(cycle=cycles[(place + step) % len(cycles)])

    def _last_cycle(self) -> int:
        run = self.glance.run(self._asked.wanted.run_id)
        return max((r.cycles for r in self.glance.runs), default=0) if run is None else run.cycles

    def action_purpose(self) -> None:
        """The next purpose."""
        place = PURPOSES.index(self._asked.wanted.purpose)
        self._take(purpose=PURPOSES[(place + 1) % len(PURPOSES)])

    def action_order(self, step: int) -> None:
        """The next order."""
        order = ORDERS[(ORDERS.index(self._asked.order) + step) % len(ORDERS)]
        self._list(dataclasses.replace(self._asked, order=order))

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
            self.console_app.choose(self._asked.wanted.run_id or line.run_id)
            self.console_app.wanted_prompt = line.prompt_id
            self.console_app.action_room("ladder")

    def action_label(self) -> None:
        """Label the answers of the run in sight."""
        questions.ask_label(self, self._asked.wanted.run_id, self._asked.wanted.cycle)

    def action_ancestry(self) -> None:
        """Which training rows the sample goes back to."""
        questions.show_ancestry(self, self.under_cursor, self._asked.wanted.run_id)

    def action_phrases(self) -> None:
        """Which phrases spread in the run."""
        questions.show_phrases(self, self._asked.wanted.run_id)

    @on(Annotated)
    def show_annotated(self, message: Annotated) -> None:
        """Say that it is written down, and show it."""
        self.notify(message.words, markup=False)
        self._nearby.forget()
        self._read(self.query_one(Ledger).cursor)
        self.query_one(Ledger).renew(self._places.count)

    def _show_filter(self, *, stopped: bool = False) -> None:
        run_id = self._asked.wanted.run_id
        run_name = "all runs" if run_id is None else self._run_name(run_id)
        share = None if self._coming is not None else self._share
        words = filter_words(self._asked, run_name, self._places.count, share, stopped=stopped)
        self.query_one("#filter", Static).update(words)

    def _run_name(self, run_id: str) -> str:
        run = self.glance.run(run_id)
        return one_line(run.name) if run else run_id
