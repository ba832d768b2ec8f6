"""What can be done in every room."""

from __future__ import annotations

from idemtui.console.action import Action

EVERYWHERE: tuple[Action, ...] = (
    Action("everywhere", "1", "room('runs')", "Runs", "Go to the table of all runs.", footer=False),
    Action("everywhere", "2", "room('run')", "Run", "Go to one run in detail.", footer=False),
    Action("everywhere", "3", "room('samples')", "Samples", "Go to the samples and read them.", footer=False),
    Action("everywhere", "4", "room('ladder')", "Ladder", "Go to one prompt, generation by generation.", footer=False),
    Action("everywhere", "5", "room('compare')", "Compare", "Go to runs and cells beside each other.", footer=False),
    Action("everywhere", "6", "room('sql')", "SQL", "Go to the SQL editor.", footer=False),
    Action("everywhere", "7", "room('launch')", "Launch", "Put a study together and queue it.", footer=False),
    Action("everywhere", "left_square_bracket", "other_run(-1)", "Run before", "Take the run before.", False, "["),
    Action("everywhere", "right_square_bracket", "other_run(1)", "Next run", "Take the next run.", False, "]"),
    Action("everywhere", "c", "cancel_run", "Cancel", "Cancel the chosen run, after asking."),
    Action(
        "everywhere",
        "r",
        "pause_or_resume",
        "Pause",
        "Pause the chosen run at its next safe point, or continue it where its journal ends.",
    ),
    Action("everywhere", "f", "fork_run", "Fork", "Start new runs from a generation of the chosen or marked runs."),
    Action("everywhere", "R", "retry_run", "Retry", "Try the chosen run again after it failed.", footer=False),
    Action(
        "everywhere",
        "plus,equals_sign",
        "priority(1)",
        "Raise priority",
        "Let the chosen run go before others.",
        False,
        "+",
    ),
    Action("everywhere", "minus", "priority(-1)", "Lower priority", "Let the chosen run wait for others.", False, "-"),
    Action(
        "everywhere",
        "I",
        "interrupted",
        "Interrupted",
        "Choose which of the runs that were interrupted go on.",
        footer=False,
    ),
    Action(
        "everywhere",
        "J",
        "judge",
        "Judge",
        "Show every run by the next judge's scores, in the end by each run's own again.",
        footer=False,
    ),
    Action("everywhere", "ctrl+s", "save", "Save", "Save what stands here: charts, rows, the study.", footer=False),
    Action("everywhere", "y", "copy", "Copy", "Copy what stands here to the terminal's clipboard (OSC 52).", False),
    Action("everywhere", "T", "change_theme", "Theme", "Choose other colours.", footer=False),
    Action("everywhere", "question_mark,f1", "keys", "Help", "Show all keys; F1 does where a text is typed, too."),
    Action("everywhere", "q", "quit", "Quit", "Leave; workers and server go on."),
)
