"""The points of curves, written once when a cycle ends: a lab of a thousand runs is listed without its prompt means.

Sums run over sorted lists, so that a rebuilt lab holds the very same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from store.tables import incoming

MEANS = """
INSERT INTO cycle_means
WITH own AS (
    SELECT
        m.run_id, m.cycle,
        list(m.value ORDER BY m.prompt_id) FILTER (m.metric = 'trait' AND m.value IS NOT NULL) AS trait,
        list(m.value ORDER BY m.prompt_id) FILTER (m.metric = 'coherence' AND m.value IS NOT NULL) AS coherence,
        coalesce(sum(m.n) FILTER (m.metric = 'trait'), 0) AS n,
        coalesce(sum(m.nulls) FILTER (m.metric = 'trait'), 0) AS nulls
    FROM prompt_means AS m JOIN incoming AS f ON f.run_id = m.run_id AND f.cycle = m.cycle
    WHERE m.metric IN ('trait', 'coherence') GROUP BY m.run_id, m.cycle
)
SELECT
    run_id, cycle, list_avg(trait), list_stddev_samp(trait), coalesce(len(trait), 0), list_avg(coherence), n, nulls
FROM own
"""
DELTAS = """
INSERT INTO cycle_deltas
WITH zero AS (
    SELECT m.run_id, m.prompt_id, m.value FROM chain_prompt_means AS m JOIN incoming AS f ON f.run_id = m.run_id
    WHERE m.metric = 'trait' AND m.cycle = 0
), own AS (
    SELECT j.run_id, j.cycle, list(j.value - z.value ORDER BY j.prompt_id) AS gains
    FROM prompt_means AS j JOIN zero AS z ON z.run_id = j.run_id AND z.prompt_id = j.prompt_id
    WHERE j.metric = 'trait' GROUP BY j.run_id, j.cycle
)
SELECT
    run_id, cycle, list_avg(gains), list_stddev_samp(gains) / sqrt(list_count(gains)), list_count(gains)
FROM own
"""


def write_cycle_means(connection: duckdb.DuckDBPyConnection, cycles: Sequence[tuple[str, int, int]]) -> None:
    """Means over prompts of these cycles, as (run id, cycle, run number); their prompt means stand already."""
    with incoming(connection, "finished_cycles", cycles):
        connection.execute(
            "DELETE FROM cycle_means USING incoming AS f WHERE cycle_means.run_id = f.run_id "
            "AND cycle_means.cycle = f.cycle"
        )
        connection.execute(MEANS)


def write_deltas(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Δ to M_0 of these runs' own cycles; a fork's M_0 may be an ancestor's."""
    with incoming(connection, "some_runs", [(run_id,) for run_id in run_ids]):
        connection.execute("DELETE FROM cycle_deltas USING incoming AS f WHERE cycle_deltas.run_id = f.run_id")
        connection.execute(DELTAS)
