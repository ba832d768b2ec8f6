"""What can be done with one run in detail."""

from __future__ import annotations

from idemtui.console.action import Action

RUN: tuple[Action, ...] = (
    Action(
        "run",
        "v",
        "panel(1)",
        "Panel",
        "Show the next panel: picture, trainings, losses, sentences, measures, speed, events, log, settings.",
    ),
    Action("run", "V", "panel(-1)", "Panel before", "Show the panel before.", footer=False),
    Action(
        "run", "w", "log", "Log", "Read the end of the worker's log over the whole height, or go back.", footer=False
    ),
    Action("run", "enter", "whole", "Whole", "Give the panel all the height, or show the curves again.", True, "⏎"),
)
