"""A client without a server: journals are ingested in this process at every look for changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from engine.errors import QueryError, ServerError
from store.database import open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate


@dataclass(frozen=True)
class Result:
    table: pa.Table

    def rows(self) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))


@dataclass(frozen=True)
class Changes:
    cursor: int


class InProcess:
    """What `store.client.Client` offers, over a connection of this process; `lost` makes it fail like a dead server."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lost = False
        self.commands: list[tuple[str, dict[str, object]]] = []
        self._lock = threading.Lock()
        self._connection = open_database(lab.database)
        migrate(self._connection, str(lab.database))
        self._ingest = Ingest(self._connection, lab)

    def sql(self, query: str, params: list[object] | None = None, limit: int | None = None) -> Result:
        with self._lock:
            self._check()
            try:
                self._connection.execute(query, params or [])
                reader = self._connection.fetch_record_batch(limit or 100_000)
            except duckdb.Error as error:
                raise QueryError(str(error).splitlines()[0]) from None
            table = reader.read_all()
            return Result(table if limit is None else table.slice(0, limit))

    def changes(self, since: int) -> Changes:
        with self._lock:
            self._check()
            self._ingest.poll()
            return Changes(self._ingest.version)

    def command(self, name: str, **fields: object) -> dict[str, object]:
        with self._lock:
            self._check()
            self.commands.append((name, fields))
            return {}

    def close(self) -> None:
        return

    def _check(self) -> None:
        if self.lost:
            raise ServerError("the lab server does not answer.")
