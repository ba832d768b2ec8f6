"""A question without a server: the file is opened read-only for it and closed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from store.asking import BATCH_ROWS, FIRST_ROWS, QUERY_SECONDS, Overseer, Question
from store.database import open_database
from store.lab import Lab
from store.result import Result
from store.schema import check_version


def ask_directly(
    lab: Lab, query: str, params: Any = None, limit: int | None = None, seconds: float | None = None
) -> Result:
    """The answer, behind the same fence; LabError without a database, ServerError where another program holds it."""
    batches = list(_batches(lab, query, params, limit, seconds, BATCH_ROWS))
    return Result.limited(pa.Table.from_batches(batches), limit)


def stream_directly(lab: Lab, query: str, params: Any = None, seconds: float | None = None) -> Iterator[pa.RecordBatch]:
    """The same, a batch at a time; the file is held open, read-only, until the last one or until it is closed."""
    return _batches(lab, query, params, None, seconds, FIRST_ROWS)


def _batches(
    lab: Lab, query: str, params: Any, limit: int | None, seconds: float | None, rows: int
) -> Iterator[pa.RecordBatch]:
    """An empty batch first, which tells the columns."""
    connection = open_database(lab.database, read_only=True)
    overseer = Overseer(stall_seconds=float("inf"))
    try:
        check_version(connection, str(lab.database))
        plain = dict(params) if isinstance(params, Mapping) else list(params) if params is not None else None
        allowed = QUERY_SECONDS if seconds is None else seconds
        question = Question(connection.cursor(), query, plain, limit, allowed, rows)
        overseer.add("direct", question)
        question.ask()
        yield pa.RecordBatch.from_pylist([], schema=question.schema)
        yield from question.batches()
    finally:
        overseer.close_all()
        overseer.close()
        connection.close()
