"""Databases in memory, and everything in one, sorted, to compare two."""

from __future__ import annotations

from typing import Any

import duckdb

from store.database import SETTINGS
from store.ingest import Ingest
from store.lab import Lab
from store.result import Result
from store.schema import migrate

REMEMBERED = (
    "runs", "jobs", "cycles", "stages", "samples", "training_rows", "scores", "judges", "run_judges", "train_steps",
    "events", "commands", "prompt_means", "cycle_means", "cycle_deltas", "likelihoods", "cycle_likelihoods",
    "cycle_diversity", "inherited", "verdicts", "chain_measures", "labels", "marks", "doses", "journals",
)  # fmt: skip


def memory() -> duckdb.DuckDBPyConnection:
    """A migrated database in memory, behind the same walls as a real one."""
    connection = duckdb.connect(":memory:", config=SETTINGS)
    migrate(connection, "memory")
    return connection


def ingested(lab: Lab) -> duckdb.DuckDBPyConnection:
    """Everything of a lab, in memory."""
    connection = memory()
    Ingest(connection, lab).poll()
    return connection


def dump(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """All remembered rows by table, in an order that does not depend on how they came."""
    return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in REMEMBERED}


def values(connection: duckdb.DuckDBPyConnection, query: str, *params: Any) -> list[Any]:
    """The first column of an answer."""
    return [row[0] for row in connection.execute(query, list(params)).fetchall()]


class Asking:
    """A connection that answers like a client."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def sql(self, query: str, params: Any = None, limit: int | None = None) -> Result:
        return Result.limited(self.connection.execute(query, params).to_arrow_table(), limit)
