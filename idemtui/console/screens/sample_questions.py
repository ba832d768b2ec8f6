"""What the Samples room asks of the lab, and of the person before it writes something down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from idemtui.console import sample_reader
from idemtui.console.reader import Reader
from idemtui.console.sample_messages import Annotated, LinesRead, SamplesRead
from idemtui.console.text_facts import Line
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.screens.room import Room

Note = Mapping[str, object]
AT_ONCE = 5
"""Samples read in full with the page that they stand on."""


@dataclass(frozen=True)
class Wanted:
    """One page of a list: of which search, from which row on, its places, and by whose scores."""

    number: int
    offset: int
    places: Sequence[int]
    judge: str | None


def page(wanted: Wanted, cursor: int, reader: Reader) -> LinesRead:
    """The page's lines, and in full those at the cursor: list and text are one picture."""
    lines, at = sample_reader.lines(reader, wanted.places, wanted.judge), cursor - wanted.offset
    near = [line for line in lines[at:][:AT_ONCE] if line] if at >= 0 else []
    return LinesRead(wanted.number, wanted.offset, lines, sample_reader.readings(reader, near))


def samples(number: int, lines: Sequence[Line], reader: Reader) -> SamplesRead:
    """Samples in full."""
    return SamplesRead(number, sample_reader.readings(reader, lines))


def annotate(words: str, notes: Sequence[Note], reader: Reader) -> Annotated:
    """Write down what was said, and what to say of that."""
    sample_reader.annotate(reader, notes)
    return Annotated(words)


def ask_mark(room: Room, line: Line | None) -> None:
    """A word for the sample; the word that it has already is taken back."""

    def say(word: str, line: Line) -> tuple[str, Note]:
        kind = "unmark" if word in line.marks else "mark"
        words = f"{'no longer marked' if kind == 'unmark' else 'marked'} {one_line(word)}"
        return words, {"type": kind, "mark": word}

    marks = "" if line is None or not line.marks else line.marks[0]
    _ask(room, line, "Mark with a word (one that it has is taken back):", marks, 64, say)


def ask_remark(room: Room, line: Line | None) -> None:
    """A remark to the sample; an empty one takes the last back."""

    def say(text: str, _: Line) -> tuple[str, Note]:
        return "remark kept" if text else "remark taken back", {"type": "note", "note": text}

    _ask(room, line, "Remark (an empty one takes yours back):", "", 2000, say, empty=True)


def _ask(
    room: Room,
    line: Line | None,
    question: str,
    proposed: str,
    longest: int,
    say: Callable[[str, Line], tuple[str, Note]],
    *,
    empty: bool = False,
) -> None:
    if line is None:
        return
    from idemtui.console.screens.say import SayScreen

    def answered(text: str | None) -> None:
        if text is None or not (text.strip() or empty):
            return
        words, note = say(text.strip(), line)
        about = {"run_id": line.run_id, "sample_id": line.sample_id}
        room.ask("annotate", partial(annotate, words, [{**note, **about}]))

    room.app.push_screen(SayScreen(question, proposed, longest), answered)


def ask_label(room: Room, run_id: str | None, cycle: int | None) -> None:
    """Label the answers of one run blind."""
    run = room.glance.run(run_id) or room.chosen
    if run is None:
        return
    from idemtui.console.screens.labelling import LabelScreen

    def over(words: str | None) -> None:
        if words:
            room.notify(words, markup=False)

    room.app.push_screen(LabelScreen(run, cycle), over)


def show_ancestry(room: Room, line: Line | None, run_id: str | None) -> None:
    """The training rows that a sample goes back to, in the chain that is looked at."""
    if line is None:
        return
    from idemtui.console.screens.kinship import KinshipScreen, ancestry_text

    room.app.push_screen(KinshipScreen(partial(ancestry_text, line.sample_id, run_id or line.run_id)))


def show_phrases(room: Room, run_id: str | None) -> None:
    """The phrases that spread in the run that is looked at."""
    run = room.glance.run(run_id) or room.chosen
    if run is None:
        return
    from idemtui.console.screens.kinship import KinshipScreen, phrases_text

    room.app.push_screen(KinshipScreen(partial(phrases_text, run.run_id, run.name)))
