"""All keys on one page, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from idemtui.console.action import PAGES, ROOMS, Action, Page, Room
from idemtui.console.actions import ACTIONS, actions
from idemtui.console.screens.dialog import ReadingPage
from idemtui.console.settings import settings_path

if TYPE_CHECKING:
    from idemtui.console.app import Console

NAMED = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "slash": "/",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "delete": "Del",
    "home": "Home",
    "end": "End",
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
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}
LISTS = "Ctrl+P finds what can be done where you are; Esc closes this page."

NAMES_WIDTH = 110
"""Columns of a terminal that has room for the actions' names."""
SETTINGS = "Keys can be changed in [keys] of {path}, by the names that stand on the right where there is room."


class HelpScreen(ReadingPage):
    """Every action of every room, those of the room below it first; any of the closing keys goes back."""

    SCROLLED = "help"

    def __init__(self, room: Room = "everywhere") -> None:
        super().__init__()
        self._room: Room = room

    def text(self) -> Group:
        """Rooms and pages."""
        app = cast("Console", self.app)
        return help_text(app.settings.keys, names=app.size.width >= NAMES_WIDTH, first=self._room)


def help_text(keymap: Mapping[str, str], names: bool, first: Room = "everywhere") -> Group:
    """Rooms as headings, `first` before all, then key and sentence; with `names` what settings call each action."""
    keys_width = max(len(keys_of(action, keymap)) for action in ACTIONS)
    names_width = max(len(action.id) for action in ACTIONS)
    parts: list[RenderableType] = []
    places: list[tuple[Room | Page, str]] = [*ROOMS.items(), *PAGES.items()]
    for place, title in sorted(places, key=lambda one: one[0] != first):
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
