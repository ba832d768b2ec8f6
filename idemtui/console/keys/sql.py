"""What can be done in the SQL room."""

from __future__ import annotations

from idemtui.console.action import Action

SQL: tuple[Action, ...] = (
    Action("sql", "f5,ctrl+j,ctrl+r", "run_query", "Run", "Run the statement."),
    Action("sql", "f2,ctrl+n", "saved", "Saved", "Choose a saved query: the program's and your own."),
    Action("sql", "f3,ctrl+t", "history", "History", "Search what was asked of this lab before."),
    Action("sql", "f4,ctrl+b", "tables", "Tables", "Go to the tables and their columns, or put them away."),
    Action("sql", "f8,ctrl+l", "plot", "Plot", "Draw the answer as a chart, or show its rows again."),
    Action("sql", "f9", "keep", "Keep", "Keep the statement as a query of your own.", False),
    Action("sql", "escape", "leave_editor", "To rows", "Stop the running statement; else go to the rows.", True, "Esc"),
    Action("sql", "i", "edit", "Edit", "Go to the editor."),
    Action("sql", "enter", "read_row", "Row", "Read the row under the cursor in full.", True, "⏎"),
)
