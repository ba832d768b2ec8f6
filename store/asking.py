"""One query on one connection: fenced, in a READ ONLY transaction, streamed as Arrow batches, ended in any case."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from engine.errors import QueryError
from store.database import memory_limit
from store.fence import check_query, explain_error

BATCH_ROWS = 10_000
FIRST_ROWS = 256
FIRST_BYTES = 32_768
"""Rows of a batch, and bytes that DuckDB gathers before it hands any over, where the first ones are wanted soon."""
QUERY_SECONDS = 60.0
LAST_SECONDS = 2.0
"""How long an interrupted query may go on before its cursor is closed under it."""
Params = list[Any] | dict[str, Any] | None


@dataclass
class Question:
    """A query being answered; `cursor` belongs to it alone and is closed with it.

    `seconds` bounds the time that the database works on it (0: no bound), whoever calls `look` now and then.
    """

    cursor: duckdb.DuckDBPyConnection
    query: str
    params: Params = None
    limit: int | None = None
    seconds: float = 0.0
    batch_rows: int = BATCH_ROWS
    schema: pa.Schema = field(init=False)
    fatal: bool = field(init=False, default=False)
    """Whether the database itself is no longer fit to answer."""
    _reader: pa.RecordBatchReader | None = field(init=False, default=None)
    _ended: str | None = field(init=False, default=None)
    """Why it was stopped."""
    _worked: float = field(init=False, default=0.0)
    _working: float | None = field(init=False, default=None)
    _waiting: float | None = field(init=False, default=None)
    _turn: threading.Lock = field(init=False, default_factory=threading.Lock)

    def ask(self) -> None:
        """Check, bind and start; raises QueryError."""
        with self._turn:
            self._begin()
            try:
                query = check_query(self.query, self.cursor)
                if self.batch_rows <= FIRST_ROWS:
                    self.cursor.execute(f"SET streaming_buffer_size = '{FIRST_BYTES}B'")
                self.cursor.execute("BEGIN TRANSACTION READ ONLY")
                self.cursor.execute(query, self.params) if self.params else self.cursor.execute(query)
                self._reader = self.cursor.to_arrow_reader(self.batch_rows)
                self.schema = self._reader.schema
            except duckdb.Error as error:
                raise self._refusal(error) from None
            finally:
                self._pause()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answer in bounded memory; one row more than `limit` tells that there are more. Closes the cursor."""
        left = None if self.limit is None else self.limit + 1
        try:
            while (batch := self._next()) is not None:
                if left is None:
                    yield batch
                    continue
                yield batch.slice(0, left)
                left -= batch.num_rows
                if left <= 0:
                    return
        finally:
            self.close()

    def stop(self, reason: str) -> None:
        """End it as soon as the database can; whoever reads gets the reason."""
        self._ended = self._ended or reason
        with suppress(duckdb.Error):
            self.cursor.interrupt()

    def look(self, now: float, stall_seconds: float) -> None:
        """Stop it where it worked too long, let go of it where nobody reads; call it again and again."""
        working, waiting = self._working, self._waiting
        if working is not None:
            if self._ended:
                self.stop(self._ended)
            elif self.seconds and self._worked + now - working > self.seconds:
                self.stop(
                    f"the query took longer than {self.seconds:g} s; narrow it, or give it more time "
                    "(`seconds=`, 0 for no limit)."
                )
        elif waiting is not None and now - waiting > stall_seconds:
            self.stop(f"the answer was not read for {stall_seconds:g} s and let go of; ask again.")
            self._let_go()

    def close(self) -> None:
        """Give the cursor back, whatever it is doing."""
        self.stop("the query was cancelled.")
        self._let_go()

    def _next(self) -> pa.RecordBatch | None:
        with self._turn:
            if self._ended or self._reader is None:
                raise QueryError(self._ended or "the answer is over.")
            self._begin()
            try:
                return self._reader.read_next_batch()
            except StopIteration:
                return None
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise self._refusal(error) from None
            finally:
                self._pause()

    def _begin(self) -> None:
        self._waiting, self._working = None, time.monotonic()

    def _pause(self) -> None:
        now = time.monotonic()
        self._worked += now - (self._working or now)
        self._working, self._waiting = None, now

    def _let_go(self) -> None:
        """Release the transaction; what is being fetched just now ends first, by the interrupt."""
        alone = self._turn.acquire(timeout=LAST_SECONDS)
        try:
            self._reader, self._waiting = None, None
            with suppress(duckdb.Error):
                self.cursor.close()
        finally:
            if alone:
                self._turn.release()

    def _refusal(self, error: Exception) -> QueryError:
        self.fatal = isinstance(error, duckdb.FatalException) or "invalidated" in str(error)
        if self._ended:
            return QueryError(self._ended)
        if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in str(error):
            return QueryError("the query was cancelled.")
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory Error" in str(error):
            return QueryError(
                f"the query needs more memory than questions may use ({memory_limit() / 2**30:.1f} GB); "
                "ask for fewer rows or columns at once, or add a LIMIT."
            )
        return QueryError(explain_error(error))


class Overseer:
    """A thread that looks at questions until it is closed; it sleeps while there are none."""

    def __init__(self, stall_seconds: float = 60.0, every: float = 0.05) -> None:
        self.stall_seconds, self.every = stall_seconds, every
        self._questions: dict[str, Question] = {}
        self._moved = threading.Condition()
        self._closed = self._idle = False
        self._thread = threading.Thread(target=self._run, name="questions", daemon=True)
        self._thread.start()

    def add(self, key: str, question: Question) -> None:
        """Look after a question from now on."""
        with self._moved:
            self._questions[key] = question
            if self._idle:
                self._moved.notify_all()

    def remove(self, key: str) -> Question | None:
        """No longer; None where it was not looked after."""
        with self._moved:
            return self._questions.pop(key, None)

    def find(self, key: str) -> Question | None:
        """The question of this key, None where it is over."""
        return self._questions.get(key)

    def close_all(self) -> None:
        """Stop every question and release its cursor."""
        with self._moved:
            questions = list(self._questions.values())
        for question in questions:
            question.close()

    def close(self) -> None:
        """Look no more."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def __len__(self) -> int:
        return len(self._questions)

    def _run(self) -> None:
        while True:
            with self._moved:
                self._idle = True
                self._moved.wait_for(lambda: self._closed or bool(self._questions))
                self._idle = False
                if self._closed:
                    return
                held = list(self._questions.values())
            now = time.monotonic()
            for question in held:
                question.look(now, self.stall_seconds)
            with self._moved:
                self._moved.wait_for(lambda: self._closed, self.every)
