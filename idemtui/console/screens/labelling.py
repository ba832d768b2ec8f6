"""Blind labelling: one answer after the other, no generation and no score in sight; then how far the judge agrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from engine.errors import IdemtuiError, UsageError
from idemtui.console import sample_reader
from idemtui.console.asking import in_thread
from idemtui.console.facts import Run
from idemtui.console.screens.dialog import Dialog
from idemtui.console.widgets.sample_text import shown
from idemtui.labelling import Session, agreement_words, points
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.app import Console

SEED, MOST, METRIC = 0, 200, "trait"
KEYS = "0 to 4: 0 25 50 75 100   = points   s skip   u undo   Space b scroll   Esc end"


class LabelScreen(Dialog[str]):
    """Every label is written down at once; closes with what was agreed, in words."""

    PAGE = "label"
    AUTO_FOCUS = ""

    def __init__(self, run: Run, cycle: int | None) -> None:
        """Answers of one generation, or of all where `cycle` is None."""
        super().__init__()
        self._run, self._cycle = run, cycle
        self._session = Session((), METRIC)
        self._notes: list[Mapping[str, object]] = []

    def compose(self) -> ComposeResult:
        """How far, one text, what it may be given."""
        with Vertical(id="label"):
            yield Static(id="label-place")
            with VerticalScroll(id="label-text", can_focus=False):
                yield Static(id="label-answer")
            yield Input(id="label-points", placeholder="0 to 100", compact=True)
            yield Static(id="label-said")
            yield Static(Text(KEYS, "bold"), id="label-keys")

    def on_mount(self) -> None:
        """Read what there is to label."""
        self.query_one(Input).cursor_blink = False
        self._begin()

    @work(group="label")
    async def _begin(self) -> None:
        reader, run, cycle = cast("Console", self.app).reader, self._run, self._cycle
        try:
            answers = await in_thread(
                lambda: sample_reader.to_label(reader, run.run_id, METRIC, cycle=cycle, seed=SEED, most=MOST)
            )
        except IdemtuiError as error:
            self._say(str(error), "bold red")
            return
        self._session = Session(tuple(answers), METRIC)
        self._show()

    def _show(self) -> None:
        answer, session = self._session.current, self._session
        head = f"Label {one_line(self._run.name)}, {METRIC} ({one_line(self._run.trait)}), blind: {session.place}"
        self.query_one("#label-place", Static).update(Text(head, "bold"))
        text = Text()
        if answer is None:
            text.append("Nothing is left to label here; Esc ends, and shows how far the judge agrees.", "dim")
        else:
            text.append("PROMPT\n", "dim")
            text.append(shown(answer.prompt) + "\n\n")
            text.append("ANSWER\n", "dim")
            text.append(shown(answer.response) or "(empty)")
        self.query_one("#label-answer", Static).update(text)
        self.query_one("#label-text").scroll_home(animate=False)

    def action_label(self, anchor: int) -> None:
        """One of the five anchors."""
        self._label(str(anchor))

    def _label(self, typed: str) -> None:
        if self._session.current is None:
            return
        try:
            value = points(typed)
        except UsageError as error:
            self._say(str(error), "bold red")
            return
        self._write(self._session.label(value), f"the one before: {value}")

    def action_points(self) -> None:
        """Type points of 0 to 100."""
        if self._session.current is not None:
            self.add_class("-points")
            self.query_one(Input).focus()

    @on(Input.Submitted)
    def take_points(self, event: Input.Submitted) -> None:
        """Points as they were typed: here 3 is 3."""
        self._close_points()
        self._label(f"={event.value.strip().removeprefix('=')}")

    def _close_points(self) -> None:
        self.remove_class("-points")
        self.query_one(Input).value = ""
        self.set_focus(None)

    def action_skip(self) -> None:
        """Say nothing of this one."""
        self._session.skip()
        self._say("the one before: skipped")
        self._show()

    def action_undo(self) -> None:
        """Back to the one before, and what was said of it is taken back."""
        note = self._session.undo()
        if note is None:
            self._show()
        else:
            self._write(note, "taken back")

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one("#label-text").scroll_relative(y=lines, animate=False)

    def _write(self, note: Mapping[str, object], words: str) -> None:
        self._notes.append(note)
        self._say(words)
        self._show()
        self._send()

    @work(group="annotate")
    async def _send(self) -> None:
        """Write down what has not been; labels that come meanwhile go with the next."""
        reader, notes, self._notes = cast("Console", self.app).reader, self._notes, []
        if not notes:
            return
        try:
            await in_thread(lambda: sample_reader.annotate(reader, notes))
        except IdemtuiError as error:
            self._notes = [*notes, *self._notes]
            self._say(f"not written down yet: {error}", "bold red")

    def action_end(self) -> None:
        """Close the line for points, else the page, with how far the judge agrees."""
        if self.has_class("-points"):
            self._close_points()
        else:
            self._end()

    @work(group="label")
    async def _end(self) -> None:
        reader, run_id = cast("Console", self.app).reader, self._run.run_id
        writing = [worker for worker in self.workers if worker.group == "annotate" and worker.node is self]
        if writing:
            await self.workers.wait_for_complete(writing)
        try:
            found = await in_thread(lambda: sample_reader.judge_agreement(reader, run_id, METRIC))
        except IdemtuiError as error:
            self.dismiss(str(error))
        else:
            self.dismiss(f"{len(self._session.values)} labelled. {agreement_words(found)}.")

    def _say(self, words: str, style: str = "dim") -> None:
        self.query_one("#label-said", Static).update(Text(words, style))
