"""Forks: which cycles a run inherits from which ancestor, kept as rows so that no question has to walk the lineage."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

INHERITED = """
INSERT INTO inherited
WITH RECURSIVE walk (run_id, source_run_id, to_cycle, depth) AS (
    SELECT run_id, parent_run_id, forked_at_cycle, 1 FROM runs
    WHERE parent_run_id IS NOT NULL AND forked_at_cycle IS NOT NULL
    UNION ALL
    SELECT w.run_id, r.parent_run_id, least(w.to_cycle, r.forked_at_cycle), w.depth + 1
    FROM walk AS w JOIN runs AS r ON r.run_id = w.source_run_id
    WHERE r.parent_run_id IS NOT NULL AND r.forked_at_cycle IS NOT NULL AND w.depth < 1000
)
SELECT
    run_id, source_run_id, coalesce(lead(to_cycle) OVER (PARTITION BY run_id ORDER BY depth), -2) AS after_cycle,
    to_cycle, depth
FROM walk
"""
"""An ancestor without a cycle of its own in it stays: what comes through it moves when it does. Depth is bounded, since
specs that name each other as parents are somebody's doing."""


HELD_CYCLES = """
INSERT INTO held_cycles
SELECT run_id, run_no, run_id, -2, 2147483647, 0 FROM run_numbers
UNION ALL
SELECT i.run_id, n.run_no, i.source_run_id, i.after_cycle, i.to_cycle, i.depth
FROM inherited AS i JOIN run_numbers AS n ON n.run_id = i.source_run_id
ORDER BY ALL
"""


def write_inheritance(connection: duckdb.DuckDBPyConnection) -> None:
    """Work out anew where every run's cycles are; runs, and a fork's ancestors, may come in any order."""
    connection.execute("DELETE FROM inherited")
    connection.execute(INHERITED)
    connection.execute("DELETE FROM held_cycles")
    connection.execute(HELD_CYCLES)


def with_descendants(connection: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> list[str]:
    """These runs and every fork that inherits a cycle from one of them."""
    own = list(dict.fromkeys(run_ids))
    query = "SELECT DISTINCT run_id FROM inherited WHERE list_contains(?, source_run_id) ORDER BY run_id"
    forks = [row[0] for row in connection.execute(query, [own]).fetchall()] if own else []
    return [*own, *(run_id for run_id in forks if run_id not in own)]
