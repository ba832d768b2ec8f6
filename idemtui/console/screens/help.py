"""All keys on one page, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idemtui.console.action import PAGES, ROOMS, Action
from idemtui.console.actions import ACTIONS, actions
from idemtui.console.screens.dialog import ReadingPage
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
    "f1": "F1",
    "f2": "F2",
    "f5": "F5",
}
LISTS = "Ctrl+P finds what can be done where you are; Esc closes this page."

NAMES_WIDTH = 110
"""Columns of a terminal that has room for the actions' names."""
SETTINGS = "Keys can be changed in [keys] of {path}, by the names that stand on the right where there is room."


class HelpScreen(ReadingPage):
    """Every action of every room; any of the closing keys goes back."""

    SCROLLED = "help"

    def text(self) -> Group:
        """Rooms and pages."""
        app = cast("Console", self.app)
        return help_text(app.settings.keys, names=app.size.width >= NAMES_WIDTH)


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
