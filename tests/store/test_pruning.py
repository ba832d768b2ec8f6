"""A question about one run reads the blocks that hold it, however many runs the lab has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from store.forks import write_inheritance
from store.schema import migrate, migrations
from tests.store.tables import memory, values

RUNS, EACH, BLOCK = 500, 1000, 122_880


@pytest.fixture(scope="module")
def large() -> duckdb.DuckDBPyConnection:
    """Half a million samples and scores of 500 runs, run after run."""
    connection = memory()
    connection.execute(f"INSERT INTO run_numbers SELECT md5(i::VARCHAR)[:10], i FROM range(1, {RUNS + 1}) AS t (i)")
    write_inheritance(connection)
    numbers = (
        f"SELECT i // {EACH} + 1 AS run_no, i::VARCHAR AS sample_id, 0 AS cycle FROM range({RUNS * EACH}) AS t (i)"
    )
    connection.execute(f"INSERT INTO stored_samples BY NAME SELECT *, 'eval' AS purpose FROM ({numbers})")
    connection.execute(
        f"INSERT INTO stored_scores BY NAME SELECT *, 'trait' AS metric, 'j' AS judge_id FROM ({numbers})"
    )
    connection.execute(f"INSERT INTO stored_events BY NAME SELECT * EXCLUDE (sample_id, cycle) FROM ({numbers})")
    connection.execute("INSERT INTO run_judges SELECT run_id, 'trait', 'j' FROM run_numbers")
    return connection


def scans(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    table = str(node.get("extra_info", {}).get("Table", ""))
    if "stored_" in table:
        yield table, int(node["operator_rows_scanned"])
    for child in node["children"]:
        yield from scans(child)


@pytest.mark.parametrize("view", ["samples", "scores", "events", "chain_samples", "scored_samples", "ladder"])
def test_one_run_is_read_without_the_others(large: duckdb.DuckDBPyConnection, view: str) -> None:
    run_id = values(large, "SELECT run_id FROM run_numbers WHERE run_no = 400")[0]
    query = f"SELECT * FROM {view} WHERE run_id = ?"
    assert len(large.execute(query, [run_id]).fetchall()) == EACH
    plan = json.loads(large.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query}", [run_id]).fetchall()[0][1])
    read = dict(scans(plan))
    assert read
    for table, rows in read.items():
        assert rows <= 2 * BLOCK, table


def test_rows_of_an_older_schema_stay() -> None:
    connection = duckdb.connect(":memory:")
    migrate(connection, "lab", migrations()[:2])
    for run_id in ("b", "a"):
        connection.execute("INSERT INTO runs (run_id, created_at) VALUES (?, TIMESTAMP '2026-11-21')", [run_id])
        connection.execute("INSERT INTO samples (run_id, sample_id, cycle) VALUES (?, ?, 1)", [run_id, f"{run_id}1"])
        connection.execute("INSERT INTO scores (run_id, sample_id, cycle) VALUES (?, ?, 1)", [run_id, f"{run_id}1"])
        connection.execute("INSERT INTO events (run_id, seq) VALUES (?, 0)", [run_id])
    migrate(connection, "lab")
    for table in ("samples", "scores", "scored_samples"):
        rows = connection.execute(f"SELECT run_id, sample_id, cycle FROM {table} ORDER BY run_id").fetchall()
        assert rows == [("a", "a1", 1), ("b", "b1", 1)], table
    assert values(connection, "SELECT run_id FROM events ORDER BY run_id") == ["a", "b"]
