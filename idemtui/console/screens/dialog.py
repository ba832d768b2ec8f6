"""What every page over a room shares: its keys come from the registry, as a room's do."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from idemtui.console.action import Page
from idemtui.console.actions import bindings

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None]):
    """A page that closes with an answer, or with None where it is left."""

    PAGE: ClassVar[Page]
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init_subclass__(cls) -> None:
        cls.BINDINGS = bindings(cls.PAGE)
        super().__init_subclass__()

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class ReadingPage(Dialog[None]):
    """A page to be read: it scrolls, and closes."""

    PAGE = "reading"
    SCROLLED: ClassVar[str]
    """The id of what scrolls, which the styles go by."""

    def text(self) -> RenderableType:
        """What stands on it at first."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id=self.SCROLLED):
            yield Static(self.text(), id="text")

    def action_scroll(self, lines: int) -> None:
        """Scroll the page."""
        self.query_one(f"#{self.SCROLLED}").scroll_relative(y=lines, animate=False)
