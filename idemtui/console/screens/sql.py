"""SQL: any reading statement over the lab's tables, while runs train."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static, TextArea

from idemtui.console.examples import EXAMPLES
from idemtui.console.facts import Table
from idemtui.console.messages import Refused, SchemaRead, TableRead
from idemtui.console.reader import Reader
from idemtui.console.screens.room import Room
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import PAGE, Ledger
from idemtui.console.words import NONE
from idemtui.text import one_line

MOST_ROWS = 10_000
WIDEST = 60


class SqlScreen(Room):
    """Editor above, answer below, one line of state between."""

    ROOM = "sql"

    def __init__(self) -> None:
        super().__init__()
        self._example = 0
        self._table: Table | None = None

    def contents(self) -> Iterable[Widget]:
        """Editor, state, rows; the tables beside them where there is room."""
        editor = TextArea.code_editor(EXAMPLES[0].query, language="sql", id="editor", show_line_numbers=False)
        editor.tab_behavior = "focus"
        editor.cursor_blink = False
        with Horizontal():
            with Vertical(id="asking"):
                yield editor
                yield Static(id="state")
                yield Ledger(id="rows")
            with VerticalScroll(id="schema", can_focus=False):
                yield Static(id="tables")

    def on_mount(self) -> None:
        """Begin where one types."""
        self.query_one("#editor").focus()
        self._show_example()
        self.ask("schema", lambda reader: SchemaRead(reader.schema()))

    @on(SchemaRead)
    def show_schema(self, message: SchemaRead) -> None:
        """List the tables and their columns."""
        text = Text()
        for name, names in message.tables:
            text.append(f"{name}\n", "bold")
            text.append("  " + ", ".join(names) + "\n", "dim")
        self.query_one("#tables", Static).update(text)

    def action_run_query(self) -> None:
        """Ask what stands in the editor."""
        query = self.query_one("#editor", TextArea).text
        self._say("running …")
        self.ask("query", partial(_query, query))

    @on(TableRead)
    def show_table(self, message: TableRead) -> None:
        """Show the rows from the first."""
        table = self._table = message.table
        ledger = self.query_one("#rows", Ledger)
        ledger.show_columns(columns(table))
        ledger.cursor = 0
        ledger.show_count(len(table.rows))
        rows = f"{len(table.rows):,} rows" if len(table.rows) != 1 else "1 row"
        note = f"the first {rows}; the others are left out" if table.more else rows
        self._say(f"{note}  {table.seconds * 1000:.0f} ms")

    @on(Ledger.PageWanted)
    def show_page(self, message: Ledger.PageWanted) -> None:
        """Put a page of the answer into words."""
        if self._table is not None:
            rows = self._table.rows[message.offset : message.offset + PAGE]
            message.ledger.show_page(message.offset, [[cell(value) for value in row] for row in rows])

    @on(Refused)
    def show_refusal(self, message: Refused) -> None:
        """Say in place what is wrong with the statement; the rows of the last one stay."""
        message.prevent_default()
        self.query_one("#state", Static).update(Text(f"✗ {message.reason}", "bold red", end=""))

    def _say(self, words: str) -> None:
        self.query_one("#state", Static).update(Text(words, end=""))

    def action_example(self) -> None:
        """Put the next example into the editor."""
        self._example = (self._example + 1) % len(EXAMPLES)
        self.query_one("#editor", TextArea).text = EXAMPLES[self._example].query
        self._show_example()

    def _show_example(self) -> None:
        self._say(f"{EXAMPLES[self._example].title}  F5 runs it, F2 shows another.")

    def action_leave_editor(self) -> None:
        """Go to the rows, where single keys work again."""
        self.query_one("#rows").focus()

    def action_edit(self) -> None:
        """Go to the editor."""
        self.query_one("#editor").focus()


def columns(table: Table) -> list[Column]:
    """A column for each of the answer's, as wide as its first rows want."""
    return [_column(table, index, name) for index, name in enumerate(table.columns)]


def _column(table: Table, index: int, name: str) -> Column:
    values = [cell(row[index]).text for row in table.rows[:PAGE]]
    width = max(len(name), *(len(value) for value in values), 1) if values else len(name)
    return Column(one_line(name), min(width, WIDEST), right=name in table.numeric)


def cell(value: object) -> Cell:
    """One value in words: NULL as a dash, numbers short, text on one line."""
    if value is None:
        return Cell(NONE, "dim")
    if isinstance(value, float):
        return Cell(f"{value:.6g}")
    return Cell(one_line(str(value)[:1000]))


def _query(query: str, reader: Reader) -> TableRead:
    return TableRead(reader.table(query, MOST_ROWS))
