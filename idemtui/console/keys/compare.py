"""What can be done with runs beside each other."""

from __future__ import annotations

from idemtui.console.action import Action

COMPARE: tuple[Action, ...] = (
    Action("compare", "b", "by", "Group by", "Choose the setting that the runs are grouped by."),
    Action("compare", "a", "whose", "Runs", "Compare the marked runs, the study's, or the whole lab's."),
    Action("compare", "v", "panel(1)", "View", "Show the next view: trait, coherence, paths, Δ, matrix."),
    Action("compare", "V", "panel(-1)", "View before", "Show the view before.", footer=False),
    Action("compare", "left,h", "cycle(-1)", "Matrix", "Show the matrix of an earlier generation.", True, "←→"),
    Action("compare", "right,l", "cycle(1)", "Matrix later", "Show the matrix of a later generation.", footer=False),
    Action("compare", "enter", "open_group", "Open", "Go to the first run of the group under the cursor.", True, "⏎"),
)
