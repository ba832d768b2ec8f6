"""Two texts beside each other that scroll as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.widgets.still import Still

SIDES = ("left", "right")


class Sides(Horizontal):
    """A head and a text on either side."""

    def compose(self) -> ComposeResult:
        """The two columns."""
        for side in SIDES:
            yield Vertical(*_column(side), classes="side")

    def on_mount(self) -> None:
        """A wheel over one side moves both."""
        for side, other in (SIDES, SIDES[::-1]):
            self.watch(self.query_one(f"#{side}-scroll"), "scroll_y", self._follower(other))

    def _follower(self, side: str) -> Callable[[float], None]:
        def follow(y: float) -> None:
            column = self.query_one(f"#{side}-scroll")
            if column.scroll_y != min(y, column.max_scroll_y):
                column.scroll_to(y=y, animate=False, force=True)

        return follow

    def show_head(self, side: str, text: Text | str) -> None:
        """What stands above a side."""
        self.query_one(f"#{side}-head", Static).update(text)

    def show_text(self, side: str, text: Text | str) -> None:
        """A side's text."""
        self.query_one(f"#{side}-text", Static).update(text)

    def scroll_both(self, lines: int) -> None:
        """Scroll the left side; the right one follows."""
        longer = max((self.query_one(f"#{side}-scroll") for side in SIDES), key=lambda column: column.max_scroll_y)
        longer.scroll_relative(y=lines, animate=False)


def _column(side: str) -> Iterable[Widget]:
    yield Still(id=f"{side}-head", classes="head")
    scroll = VerticalScroll(Still(id=f"{side}-text"), id=f"{side}-scroll")
    scroll.can_focus = False
    yield scroll
