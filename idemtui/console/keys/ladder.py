"""What can be done on the ladder."""

from __future__ import annotations

from idemtui.console.action import Action

LADDER: tuple[Action, ...] = (
    Action("ladder", "left,h", "right_rung(-1)", "Right", "Move the right side a generation down.", True, "←→"),
    Action("ladder", "right,l", "right_rung(1)", "Right up", "Move the right side a generation up.", footer=False),
    Action("ladder", "shift+left,H", "left_rung(-1)", "Left", "Move the left side a generation down.", True, "⇧←→"),
    Action("ladder", "shift+right,L", "left_rung(1)", "Left up", "Move the left side a generation up.", footer=False),
    Action("ladder", "up,k", "prompt(-1)", "Prompt", "Take the prompt before.", True, "↑↓"),
    Action("ladder", "down,j", "prompt(1)", "Next prompt", "Take the next prompt.", footer=False),
    Action("ladder", "pageup", "scroll(-10)", "Scroll up", "Scroll both sides up.", footer=False),
    Action("ladder", "pagedown", "scroll(10)", "Scroll", "Scroll both sides down.", footer=False),
    Action("ladder", "comma", "draw(-1)", "Draw", "Show the draw before.", True, ",."),
    Action("ladder", "full_stop", "draw(1)", "Next draw", "Show the next draw.", footer=False, shown_key="."),
)
