"""What can be done in the SQL room."""

from __future__ import annotations

from idemtui.console.action import Action

SQL: tuple[Action, ...] = (
    Action("sql", "f5,ctrl+j,ctrl+r", "run_query", "Run", "Run the statement.", True, "F5"),
    Action("sql", "f2,ctrl+n", "example", "Example", "Put the next example query into the editor.", True, "F2"),
    Action("sql", "escape", "leave_editor", "To table", "Go from the editor to the table.", True, "Esc"),
    Action("sql", "i", "edit", "Edit", "Go to the editor."),
)
