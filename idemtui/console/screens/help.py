"""All keys on one page, made from the registry."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from idemtui.console.actions import ROOMS, Action, actions

NAMED = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "comma": ",",
    "full_stop": ".",
    "enter": "Enter",
    "escape": "Esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "shift+left": "⇧←",
    "shift+right": "⇧→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "f2": "F2",
    "f5": "F5",
}
LISTS = "In lists: j k or ↑ ↓ move, g G go to the ends, PgUp PgDn page; the mouse works. Ctrl+P finds any of these."


class HelpScreen(ModalScreen[None]):
    """Every action of every room; any of the closing keys goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help"):
            yield Static(help_text())

    def action_scroll(self, lines: int) -> None:
        """Scroll the page."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def help_text() -> Text:
    """Rooms as headings, then key and sentence."""
    text = Text()
    for room, title in ROOMS.items():
        text.append(f"{title}\n", "bold")
        for action in actions(room):
            text.append(f"  {keys_of(action):<12}", "bold")
            text.append(f"{action.sentence}\n")
        text.append("\n")
    text.append(LISTS + "  Esc closes this page.", "dim")
    return text


def keys_of(action: Action) -> str:
    """An action's keys as they stand on the keyboard."""
    return " ".join(NAMED.get(key, key.replace("ctrl+", "^")) for key in action.keys.split(","))
