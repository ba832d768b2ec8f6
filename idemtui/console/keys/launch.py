"""What can be done where a study is put together."""

from __future__ import annotations

from idemtui.console.action import Action

LAUNCH: tuple[Action, ...] = (
    Action(
        "launch", "enter", "edit", "Edit", "Edit the setting under the cursor; several values make a grid.", True, "⏎"
    ),
    Action("launch", "x,delete", "unset", "Unset", "Leave the setting under the cursor to recipe and default."),
    Action("launch", "v", "panel(1)", "Panel", "Show the next panel: settings, runs, costs, TOML."),
    Action("launch", "V", "panel(-1)", "Panel before", "Show the panel before.", footer=False),
    Action("launch", "t", "toml", "TOML", "Edit the study as its file; comments are kept."),
    Action("launch", "u", "from_run", "From run", "Start from the settings of the chosen run."),
    Action("launch", "N", "blank", "Blank", "Start from an empty study.", footer=False),
    Action("launch", "f5,ctrl+j", "queue", "Queue", "Queue the study's runs, after showing what they cost."),
    Action("launch", "a", "look_again", "Look again", "Ask hub, machine and lab anew what it would cost.", False),
    Action(
        "launch",
        "escape",
        "leave_field",
        "Back",
        "Leave the file, or the field with what was typed, for the settings.",
        footer=False,
    ),
)
