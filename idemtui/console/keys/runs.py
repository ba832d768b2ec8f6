"""What can be done in the table of runs."""

from __future__ import annotations

from idemtui.console.action import Action

RUNS: tuple[Action, ...] = (
    Action("runs", "enter", "open_run", "Open", "Open the run under the cursor.", True, "⏎"),
    Action("runs", "o", "overlay", "Overlay", "Draw all runs of the study, or only the one under the cursor."),
    Action("runs", "d", "demo", "Demo", "Start the pocket study (where the lab is empty)."),
)
