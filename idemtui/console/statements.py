"""A person's statement being answered: rows go to a spool as they come, and can be stopped at any moment.

Everything here blocks and runs in a thread; messages carry what happened to the SQL room.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.message import Message

from engine.errors import IdemtuiError, QueryError
from idemtui.console import queries
from idemtui.console.reader import Reader
from idemtui.sql.completion import Vocabulary

if TYPE_CHECKING:
    import pyarrow as pa

    from idemtui.sql.plotting import Plot
    from idemtui.sql.spool import Spool

TELL_SECONDS = 0.3
"""Between words about an answer that is still coming."""


class VocabularyRead(Message):
    """What can be asked: tables with columns and their types, keywords, functions."""

    def __init__(self, types: dict[str, dict[str, str]], vocabulary: Vocabulary) -> None:
        super().__init__()
        self.types, self.vocabulary = types, vocabulary


class AnswerCame(Message):
    """Rows of an answer are there; `seconds` is None while more are coming."""

    def __init__(self, answer: Answer, seconds: float | None) -> None:
        super().__init__()
        self.answer, self.seconds = answer, seconds

    def can_replace(self, message: Message) -> bool:
        """Only the newest number of rows is worth drawing."""
        return isinstance(message, AnswerCame) and message.answer is self.answer


class PlotMade(Message):
    """An answer as a chart, or why it is none."""

    def __init__(self, plot: Plot | str) -> None:
        super().__init__()
        self.plot = plot


class Answer:
    """One statement and the rows of its answer so far."""

    def __init__(self, statement: str) -> None:
        self.statement = statement
        self.spool: Spool | None = None
        self.columns: list[str] = []
        self.numeric: frozenset[str] = frozenset()
        self.cut = False
        """Whether the answer is larger than what is kept of it here."""
        self._query_id = uuid.uuid4().hex
        self._stopped = threading.Event()

    @property
    def rows(self) -> int:
        """How many rows are here."""
        return self.spool.rows if self.spool else 0

    def stop(self, reader: Reader) -> None:
        """Let go of what is still coming; blocks while the server is told."""
        self._stopped.set()
        with suppress(IdemtuiError):
            reader.client().cancel_query(self._query_id)

    def read(self, tell: Callable[[Message], object], reader: Reader) -> AnswerCame:
        """Take in the answer to its end, telling now and then; QueryError where it was stopped or refused."""
        from idemtui.sql.columns import distinct, numeric
        from idemtui.sql.spool import Spool

        started = told = monotonic()
        batches = reader.client().stream(self.statement, query_id=self._query_id)
        schema = next(batches).schema
        self.columns, self.numeric = distinct(schema.names), numeric(schema)
        self.spool = Spool(schema)
        for batch in batches:
            if self._stopped.is_set():
                raise QueryError("the query was cancelled.")
            if not self.spool.add(batch):
                self.cut = True
                break
            if monotonic() - told > TELL_SECONDS:
                told = monotonic()
                tell(AnswerCame(self, None))
        return AnswerCame(self, monotonic() - started)

    def page(self, offset: int, size: int) -> list[tuple[Any, ...]]:
        """Rows from `offset` on."""
        return self.spool.page(offset, size) if self.spool else []

    def plot(self, _: Reader) -> PlotMade:
        """The rows as a chart."""
        from idemtui.sql.plotting import MOST_ROWS, plot_of

        return PlotMade(plot_of(self.columns, self.page(0, MOST_ROWS)))


def write(answer: Answer, path: Path, reader: Reader) -> str:
    """Write all of an answer to a file and say how many rows: those kept here where they are all, else asked anew."""
    from idemtui.sql.files import write_file

    rows = write_file(_batches(answer, reader), path)
    return f"{rows:,} rows written to {path}"


def _batches(answer: Answer, reader: Reader) -> Iterator[pa.RecordBatch]:
    return reader.client().stream(answer.statement, seconds=0)


def read_vocabulary(reader: Reader) -> VocabularyRead:
    """Everything that completion and the tree of tables are made of."""
    client = reader.client()
    tables = client.sql(queries.SCHEMA).tuples()
    types = {name: dict(zip(columns, kinds, strict=True)) for name, columns, kinds in tables}
    keywords = [word for (word,) in client.sql(queries.KEYWORDS).tuples()]
    functions = [word for (word,) in client.sql(queries.FUNCTIONS).tuples()]
    return VocabularyRead(types, Vocabulary({name: list(of) for name, of in types.items()}, keywords, functions))


def now() -> str:
    """The moment as history keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
