"""What can be done in lists, in lines that are typed in, and on the pages that open over a room."""

from __future__ import annotations

from idemtui.console.action import Action

FIELD: tuple[Action, ...] = (
    Action("field", "tab", "take(1)", "Next setting", "Take what is typed and edit the next setting.", False),
    Action("field", "shift+tab", "take(-1)", "Setting before", "Take it and edit the setting before.", False),
)
