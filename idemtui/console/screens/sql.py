"""SQL: any reading statement over the lab's tables, while runs train; answers of any size, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static, Tree
from textual.worker import Worker

from idemtui.console.asking import in_thread
from idemtui.console.messages import Refused
from idemtui.console.screens.naming import NamingScreen
from idemtui.console.screens.queries import Entry, QueriesScreen
from idemtui.console.screens.record import RecordScreen
from idemtui.console.screens.room import Room
from idemtui.console.sql_words import answer_words, cell, columns_of, plot_chart
from idemtui.console.statements import Answer, AnswerCame, PlotMade, VocabularyRead, now, read_vocabulary, write
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.ledger import PAGE, Ledger
from idemtui.console.widgets.sql_editor import SqlEditor
from idemtui.console.widgets.still import Still
from idemtui.sql.history import Asked, history_path, keep, past
from idemtui.sql.saved import find, queries, save

FIRST = "curves"
"""What stands in the editor at first."""


class SqlScreen(Room):
    """Editor above, answer below, a line of state between; tables beside them."""

    ROOM = "sql"

    def __init__(self) -> None:
        super().__init__()
        self._answer: Answer | None = None
        self._shown: Answer | None = None
        self._asking_lab = False
        self._told = ""

    def contents(self) -> Iterable[Widget]:
        """Tables, editor, what may be typed, state, rows or their chart."""
        tables: Tree[str] = Tree("tables", id="tables")
        tables.show_root = False
        tables.guide_depth = 2
        with Horizontal():
            with Vertical(id="asking"):
                yield SqlEditor(find(FIRST).text, id="editor")
                yield Still(id="offer")
                yield Still(id="state")
                yield Ledger(id="rows")
                yield ChartPane(id="plot")
            yield tables

    def on_mount(self) -> None:
        """Begin where one types."""
        self.query_one("#editor").focus()
        self._say("F5 runs it, F7 selects all, F2 saved queries, F3 earlier ones, F4 the tables.")
        self.ask("vocabulary", read_vocabulary)

    @property
    def _editor(self) -> SqlEditor:
        return self.query_one("#editor", SqlEditor)

    @on(VocabularyRead)
    def show_tables(self, message: VocabularyRead) -> None:
        """Grow the tree, and let the editor know the words."""
        self._editor.vocabulary = message.vocabulary
        tree: Tree[str] = self.query_one("#tables", Tree)
        for name, columns in message.types.items():
            node = tree.root.add(Text(name, "bold"), data=name)
            for column, kind in columns.items():
                node.add_leaf(Text.assemble(column, "  ", (kind.lower()[:24], "dim")), data=column)

    @on(Tree.NodeSelected, "#tables")
    def insert_name(self, message: Tree.NodeSelected[str]) -> None:
        """Put a column's name at the cursor; a table opens, and is put there once it is open."""
        node = message.node
        if node.data and not node.allow_expand:
            self._editor.insert(f"{node.data} ")

    @on(SqlEditor.Offered)
    def show_offer(self, message: SqlEditor.Offered) -> None:
        """Say what Tab would put at the cursor."""
        words = message.offer.words
        line = (
            Text(" Tab  " + "  ".join(words), "dim", end="", no_wrap=True, overflow="ellipsis") if words else Text("")
        )
        self.query_one("#offer", Static).update(line)

    def action_run_query(self) -> None:
        """Ask what stands in the editor; what was being asked before is let go of."""
        self._stop()
        statement = self._editor.text
        keep(history_path(), Asked(statement, now(), str(self.console_app.lab.root)))
        answer = self._answer = Answer(statement)
        self._asking_lab = True
        self._show_chart(False)
        self._say("running …  Esc stops it.")
        self.ask("query", partial(answer.read, self.post_message))

    def _stop(self) -> None:
        if self._asking_lab and self._answer is not None:
            self._asking_lab = False
            reader, answer = self.console_app.reader, self._answer
            _: Worker[None] = self.run_worker(in_thread(partial(answer.stop, reader)), group="stopping")

    @on(AnswerCame)
    def show_answer(self, message: AnswerCame) -> None:
        """Show the rows that are there, from the first when they are the first of this answer."""
        answer, ledger = message.answer, self.query_one("#rows", Ledger)
        if answer is not self._answer:
            return
        self._asking_lab = message.seconds is None
        if self._shown is not answer:
            self._shown = answer
            ledger.show_columns(columns_of(answer.columns, answer.numeric, answer.page(0, PAGE)))
            ledger.cursor = 0
        ledger.grow(answer.rows)
        self._told = answer_words(answer.rows, message.seconds, cut=answer.cut)
        self._say(self._told)

    @on(Ledger.PageWanted, "#rows")
    def show_page(self, message: Ledger.PageWanted) -> None:
        """Put a page of the answer into words."""
        if self._answer is not None:
            rows = self._answer.page(message.offset, PAGE)
            message.ledger.show_page(message.offset, [[cell(value) for value in row] for row in rows])

    @on(Refused)
    def show_refusal(self, message: Refused) -> None:
        """Say in place what is wrong with the statement; the rows of the last one stay."""
        message.prevent_default()
        self._asking_lab = False
        self.query_one("#state", Static).update(Text(f"✗ {message.reason}", "bold red", end=""))

    def _say(self, words: str) -> None:
        self.query_one("#state", Static).update(Text(words, end=""))

    def action_saved(self) -> None:
        """Choose among saved queries."""
        found = [Entry(query.name, query.title, query.text) for query in queries()]
        self.app.push_screen(QueriesScreen("Saved queries", found), self._take)

    def action_history(self) -> None:
        """Choose among what was asked of this lab before."""
        asked = past(history_path(), self.console_app.lab.root)
        found = [Entry(one.at[5:16].replace("T", " "), " ".join(one.text.split()), one.text) for one in asked]
        self.app.push_screen(QueriesScreen("Asked before", found), self._take)

    def _take(self, statement: str | None) -> None:
        if statement:
            self._editor.text = statement
            self._editor.focus()

    def action_keep(self) -> None:
        """Save the statement under a name."""
        text = self._editor.text
        question = "Keep this query as (its first comment, -- like this, becomes its title)"
        self.app.push_screen(
            NamingScreen(question, "", lambda name: f"kept: {save(name, text)}"), self.console_app.tell
        )

    def action_plot(self) -> None:
        """Draw the answer, or show its rows again."""
        if self.has_class("-plotted"):
            self._show_chart(False)
            self._say(self._told)
        elif self._answer is None or not self._answer.columns:
            self._say("✗ nothing to plot: run a statement first (F5).")
        else:
            self.ask("plot", self._answer.plot)

    @on(PlotMade)
    def show_plot(self, message: PlotMade) -> None:
        """Show the chart, or say why there is none."""
        if isinstance(message.plot, str):
            self._say(f"✗ {message.plot}")
            return
        chart, words = plot_chart(message.plot)
        self.query_one("#plot", ChartPane).show_chart(chart)
        self._show_chart(True)
        self._say(words)

    def _show_chart(self, shown: bool) -> None:
        self.set_class(shown, "-plotted")

    @on(Ledger.Chosen, "#rows")
    def action_read_row(self) -> None:
        """Show the row under the cursor in full."""
        at = self.query_one("#rows", Ledger).cursor
        rows = self._answer.page(at, 1) if self._answer else []
        if rows and self._answer:
            self.app.push_screen(RecordScreen(self._answer.columns, rows[0]))

    def saving(self) -> NamingScreen | None:
        """The chart where one is shown, else the rows, all of them."""
        answer = self._answer
        if self.has_class("-plotted"):
            return super().saving()
        if answer is None or not answer.columns:
            return None
        reader = self.console_app.reader
        question = "Save all rows as (.csv or .parquet)"
        return NamingScreen(question, "answer.parquet", lambda path: write(answer, Path(path).expanduser(), reader))

    def copying(self) -> tuple[str, str] | None:
        """The row under the cursor, its values with tabs between them."""
        at = self.query_one("#rows", Ledger).cursor
        rows = self._answer.page(at, 1) if self._answer else []
        return ("the row", "\t".join("" if value is None else str(value) for value in rows[0])) if rows else None

    def action_tables(self) -> None:
        """Show the tables and go there, or put them away."""
        tree: Tree[str] = self.query_one("#tables", Tree)
        shown = tree.has_focus
        tree.cursor_line = max(tree.cursor_line, 0)
        self.set_class(not shown, "-tables")
        self.query_one("#editor" if shown else "#tables").focus()

    def action_leave_editor(self) -> None:
        """Stop what is running; else go to the rows, where single keys work again."""
        if self._asking_lab:
            self._stop()
        else:
            self.set_class(False, "-tables")
            self.query_one("#rows").focus()

    def action_edit(self) -> None:
        """Go to the editor."""
        self._editor.focus()
