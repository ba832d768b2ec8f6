"""A question without a server: the file is opened read-only for it and closed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.asking import Question
from store.database import open_database
from store.lab import Lab
from store.result import Result
from store.schema import check_version


def ask_directly(lab: Lab, query: str, params: Any = None, limit: int | None = None) -> Result:
    """The answer, behind the same fence; LabError without a database, ServerError where another program holds it."""
    connection = open_database(lab.database, read_only=True)
    try:
        check_version(connection, str(lab.database))
        plain = dict(params) if isinstance(params, Mapping) else list(params) if params is not None else None
        question = Question(connection.cursor(), query, plain, limit)
        question.ask()
        table = pa.Table.from_batches(list(question.batches()), schema=question.schema)
        return Result.limited(table, limit)
    finally:
        connection.close()
