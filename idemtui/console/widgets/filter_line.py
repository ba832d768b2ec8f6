"""The line in which the filter of a list of samples is typed, and what is wrong with it, in place."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from idemtui.console.filter_words import HINT, line_of, meant
from idemtui.console.text_facts import SampleFilter
from idemtui.console.widgets.still import Still


class FilterLine(Vertical):
    """Takes no space until somebody types, or something is wrong."""

    class Taken(Message):
        """A filter was typed that can be."""

        def __init__(self, wanted: SampleFilter) -> None:
            super().__init__()
            self.wanted = wanted

    def __init__(self) -> None:
        super().__init__(id="filtering")
        self._run_id: str | None = None

    def compose(self) -> ComposeResult:
        """The line, and trouble or a hint below it."""
        line = Input(id="filter-line", compact=True, select_on_focus=False)
        line.cursor_blink = False
        yield line
        yield Still(id="filter-trouble")

    @property
    def typing(self) -> bool:
        """Whether the line is open."""
        return self.has_class("-typing")

    def edit(self, wanted: SampleFilter) -> None:
        """Open the line with a filter in it."""
        self._run_id = wanted.run_id
        line = self.query_one("#filter-line", Input)
        line.value = f"{line_of(wanted)} ".lstrip()
        line.cursor_position = len(line.value)
        self.add_class("-typing")
        self.say("")
        line.focus()

    def close(self) -> None:
        """Leave the filter as it was."""
        self.remove_class("-typing")
        self.say("")

    def say(self, trouble: str) -> None:
        """What is wrong; where nothing is, how filters are written while one is."""
        hint = HINT if self.typing else ""
        told = Text(f"✗ {trouble}", "bold red") if trouble else Text(hint, "dim")
        self.query_one("#filter-trouble", Static).update(told)
        self.set_class(bool(trouble or hint), "-telling")

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        """Hand the filter on, or say in one line what it cannot mean."""
        event.stop()
        wanted = meant(event.value, self._run_id)
        if isinstance(wanted, str):
            self.say(wanted)
            return
        self.close()
        self.post_message(self.Taken(wanted))
