"""What can be done in the table of runs."""

from __future__ import annotations

from idemtui.console.action import Action

RUNS: tuple[Action, ...] = (
    Action(
        "runs", "enter", "open_run", "Open", "Open the run under the cursor; fold or unfold a study or cell.", True, "⏎"
    ),
    Action("runs", "space", "mark", "Mark", "Mark the run under the cursor, or all of a study or cell.", True, "␣"),
    Action("runs", "u", "unmark", "Unmark all", "Take all marks away.", footer=False),
    Action(
        "runs",
        "slash",
        "filter",
        "Filter",
        "Show runs with these words in name, study, trait, arm, model, status.",
        True,
        "/",
    ),
    Action("runs", "escape", "clear_filter", "Clear filter", "Take the filter's words away.", footer=False),
    Action(
        "runs",
        "t",
        "status",
        "Status",
        "Show all runs, the live ones, the finished ones, or those that ended early.",
        footer=False,
    ),
    Action("runs", "s", "sort", "Sort", "Choose what the runs are sorted by; the same again turns the order round."),
    Action("runs", "b", "group", "Group", "Group by study, by cell, or not at all."),
    Action("runs", "z", "fold", "Fold all", "Fold or unfold all studies or cells.", footer=False),
    Action(
        "runs", "o", "overlay", "Overlay", "Draw all runs of the study, or only the one under the cursor.", footer=False
    ),
    Action("runs", "d", "demo", "Demo", "Start the pocket study (where the lab is empty)."),
)
