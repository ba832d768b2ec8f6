"""What can be done on the ladder."""

from __future__ import annotations

from idemtui.console.action import Action

LADDER: tuple[Action, ...] = (
    Action(
        "ladder", "v", "view", "Ladder/sides", "Show all generations under each other, or two of them side by side."
    ),
    Action("ladder", "left,h", "right_rung(-1)", "Right", "Move the right side a generation down.", True, "←→"),
    Action("ladder", "right,l", "right_rung(1)", "Right up", "Move the right side a generation up.", footer=False),
    Action("ladder", "shift+left,H", "left_rung(-1)", "Left", "Move the left side a generation down.", True, "⇧←→"),
    Action("ladder", "shift+right,L", "left_rung(1)", "Left up", "Move the left side a generation up.", footer=False),
    Action("ladder", "up,k", "prompt(-1)", "Prompt", "Take the prompt that jumped further.", True, "↑↓"),
    Action("ladder", "down,j", "prompt(1)", "Next prompt", "Take the prompt that jumped less far.", footer=False),
    Action("ladder", "o", "other", "Other run", "Put another run's answers on the right side, or this run's again."),
    Action("ladder", "pageup,b", "scroll(-10)", "Scroll up", "Scroll up, both sides together.", footer=False),
    Action("ladder", "pagedown,space", "scroll(10)", "Scroll", "Scroll down, both sides together.", footer=False),
    Action("ladder", "comma", "draw(-1)", "Draw", "Show the draw before.", True, ",."),
    Action("ladder", "full_stop", "draw(1)", "Next draw", "Show the next draw.", footer=False, shown_key="."),
)
