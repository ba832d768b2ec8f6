"""What can be done in lists, in lines that are typed in, and on the pages that open over a room."""

from __future__ import annotations

from idemtui.console.action import Action

LIST: tuple[Action, ...] = (
    Action("list", "up,k", "move(-1)", "Up", "Go to the line above.", False),
    Action("list", "down,j", "move(1)", "Down", "Go to the line below.", False),
    Action("list", "pageup,ctrl+b", "page(-1)", "Page up", "Go up by what is in sight.", False),
    Action("list", "pagedown,ctrl+f", "page(1)", "Page down", "Go down by what is in sight.", False),
    Action("list", "home,g", "first", "First", "Go to the first line.", False),
    Action("list", "end,G", "last", "Last", "Go to the last line.", False),
)
FIELD: tuple[Action, ...] = (
    Action("field", "tab", "take(1)", "Next setting", "Take what is typed and edit the next setting.", False),
    Action("field", "shift+tab", "take(-1)", "Setting before", "Take it and edit the setting before.", False),
)
READING: tuple[Action, ...] = (
    Action("reading", "down,j", "scroll(1)", "Down", "Scroll down by a line."),
    Action("reading", "up,k", "scroll(-1)", "Up", "Scroll up by a line."),
    Action("reading", "pagedown,space", "scroll(10)", "Page down", "Scroll down by ten lines."),
    Action("reading", "pageup,b", "scroll(-10)", "Page up", "Scroll up by ten lines."),
    Action("reading", "escape,q,enter,question_mark", "leave", "Close", "Close the page."),
)
QUESTION: tuple[Action, ...] = (
    Action("question", "y", "answer(True)", "Yes", "Do it."),
    Action("question", "n,escape,q", "answer(False)", "No", "Leave everything as it is."),
)
LINE: tuple[Action, ...] = (
    Action("line", "enter", "done", "Done", "Take what was typed."),
    Action("line", "escape", "leave", "Not now", "Close without taking it."),
)
CHOICE: tuple[Action, ...] = (
    Action("choice", "enter", "take", "Take", "Take what is under the cursor."),
    Action("choice", "escape,q", "leave", "Leave", "Leave it as it was."),
)
STATEMENTS: tuple[Action, ...] = (
    Action("statements", "up", "move(-1)", "Up", "Go to the statement above, while typing too."),
    Action("statements", "down", "move(1)", "Down", "Go to the statement below."),
    Action("statements", "pageup", "move(-10)", "Page up", "Go up by ten."),
    Action("statements", "pagedown", "move(10)", "Page down", "Go down by ten."),
    Action("statements", "enter", "take", "Take", "Put the statement into the editor."),
    Action("statements", "escape", "leave", "Not now", "Close without taking one."),
)
FORK: tuple[Action, ...] = (
    Action("fork", "f5,ctrl+j", "fork", "Fork", "Queue the new run.", priority=True),
    Action("fork", "escape", "leave", "Not now", "Close; nothing is queued."),
)
INTERRUPTED: tuple[Action, ...] = (
    Action("interrupted", "enter", "go_on(False)", "The marked", "Let the marked runs go on."),
    Action("interrupted", "a", "go_on(True)", "All", "Let all of them go on."),
    Action("interrupted", "space", "mark", "Mark", "Take the run under the cursor in or out."),
    Action("interrupted", "escape,q,l", "later", "Later", "Leave them for later."),
)
LABEL: tuple[Action, ...] = (
    *(
        Action("label", str(anchor), f"label({anchor})", f"{25 * anchor} points", f"Give it {25 * anchor} points.")
        for anchor in range(5)
    ),
    Action("label", "equals_sign", "points", "Points", "Type any points from 0 to 100."),
    Action("label", "s", "skip", "Skip", "Say nothing of this answer."),
    Action("label", "u", "undo", "Undo", "Go back to the answer before and take its label back."),
    Action("label", "space", "scroll(10)", "Scroll", "Scroll the text down."),
    Action("label", "b", "scroll(-10)", "Scroll up", "Scroll the text up."),
    Action("label", "escape,q", "end", "End", "End, and show how far the judge agrees."),
)

PAGE_ACTIONS = (
    *LIST, *FIELD, *READING, *QUESTION, *LINE, *CHOICE, *STATEMENTS, *FORK, *INTERRUPTED, *LABEL,
)  # fmt: skip
