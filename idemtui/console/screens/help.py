"""All keys on one page, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from idemtui.console.action import PAGES, ROOMS, Action
from idemtui.console.actions import ACTIONS, actions
from idemtui.console.settings import settings_path

if TYPE_CHECKING:
    from idemtui.console.app import Console

NAMED = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
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
LISTS = "In lists j k or ↑ ↓ move, g G go to the ends, PgUp PgDn page; Ctrl+P finds any of these; Esc closes this page."

NAMES_WIDTH = 110
"""Columns of a terminal that has room for the actions' names."""
SETTINGS = "Keys can be changed in [keys] of {path}, by the names that stand on the right where there is room."


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
            yield Static(help_text(cast("Console", self.app).settings.keys, names=self.app.size.width >= NAMES_WIDTH))

    def action_scroll(self, lines: int) -> None:
        """Scroll the page."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def help_text(keymap: Mapping[str, str], names: bool) -> Group:
    """Rooms as headings, then key and sentence, and with `names` what the settings file calls each action."""
    keys_width = max(len(keys_of(action, keymap)) for action in ACTIONS)
    names_width = max(len(action.id) for action in ACTIONS)
    parts: list[RenderableType] = []
    for place, title in [*ROOMS.items(), *PAGES.items()]:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(style="bold", no_wrap=True, width=keys_width)
        table.add_column(ratio=1)
        if names:
            table.add_column(style="dim", no_wrap=True, width=names_width)
        for action in actions(place):
            table.add_row(keys_of(action, keymap), action.sentence, *([action.id] if names else []))
        parts += [Text(title, "bold"), Padding(table, (0, 0, 1, 2))]
    return Group(*parts, Text(f"{LISTS}\n{SETTINGS.format(path=settings_path())}", "dim"))


def keys_of(action: Action, keymap: Mapping[str, str] | None = None) -> str:
    """An action's keys as they stand on the keyboard, a user's own where there are some."""
    keys = (keymap or {}).get(action.id, action.keys)
    return " ".join(NAMED.get(key, key.replace("ctrl+", "^")) for key in keys.split(","))
