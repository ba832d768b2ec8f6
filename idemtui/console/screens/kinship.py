"""Where an answer comes from, and which phrases spread: a page over the Samples room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.widgets import Static

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.reader import Reader
from idemtui.console.screens.dialog import ReadingPage
from idemtui.console.widgets.sample_text import shown
from idemtui.console.words import generation, spark
from idemtui.kinship_words import CLOSE, OPEN, marked, no_kin, row_words
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.app import Console
    from store.kinship import Phrase

KEYS = "j k or ↓ ↑ scroll    Esc back"


class KinshipScreen(ReadingPage):
    """Asks once, in a thread, and shows the answer; leaving does not wait for it."""

    SCROLLED = "kinship"

    def __init__(self, question: Callable[[Reader], Text]) -> None:
        super().__init__()
        self._question = question

    def text(self) -> Text:
        """Until the answer is there."""
        return Text("looking …")

    def on_mount(self) -> None:
        """Ask."""
        self._ask()

    @work(group="kin")
    async def _ask(self) -> None:
        reader, question = cast("Console", self.app).reader, self._question
        try:
            answer = await in_thread(lambda: question(reader))
        except IdemtuiError as error:
            answer = Text(f"✗ {error}", "bold red")
        self.query_one("#text", Static).update(answer.append(f"\n{KEYS}", "bold"))


def ancestry_text(sample_id: str, run_id: str, reader: Reader) -> Text:
    """The answer and its nearest training rows, shared phrases marked and coloured."""
    from store.kinship import ancestry

    answer, kin = ancestry(reader.client(), sample_id, run_id)
    text = Text()
    text.append(f"Ancestry of {answer.sample_id}, {generation(answer.cycle)} {answer.purpose}\n\n", "bold")
    text.append(shown(answer.response) + "\n")
    for row in kin:
        text.append(f"\n{one_line(row_words(row))}\n", "bold")
        _append_marked(text, shown(marked(row)))
        text.append("\n")
    if not kin:
        text.append(f"\n{no_kin(answer)}\n", "dim")
    return text


def _append_marked(text: Text, row: str) -> None:
    before, *marks = row.split(OPEN)
    text.append(before)
    for mark in marks:
        phrase, close, rest = mark.partition(CLOSE)
        text.append(f"{OPEN}{phrase}{close}", "green" if close else "")
        text.append(rest)


def phrases_text(run_id: str, name: str, reader: Reader) -> Text:
    """Phrases by how much they spread, each with its curve and its counts."""
    from store.kinship import phrases

    found = phrases(reader.client(), run_id)
    text = Text()
    text.append(f"Phrases that spread in {one_line(name)}: answers that have them, by generation\n\n", "bold")
    if not found:
        text.append("No phrase is in more answers than at first.\n", "dim")
    for phrase in found:
        text.append(f"{100 * phrase.growth:+4.0f} %  {phrase_curve(phrase)}  ", "bold")
        text.append(one_line(phrase.phrase) + "\n")
        counts = "  ".join(f"{generation(cycle)} {k}/{n}" for cycle, k, n in phrase.counts)
        text.append(f"        {counts}\n", "dim")
    return text


def phrase_curve(phrase: Phrase) -> str:
    """Its share of every generation's answers as bars."""
    return spark([100 * k / n if n else None for _, k, n in phrase.counts])
