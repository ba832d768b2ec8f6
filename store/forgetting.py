"""Taking runs and jobs out of the tables: every row of theirs, and what was worked out of them together with others.

What people said of their samples stays, as it does in `notes.jsonl`: it is nobody's to delete but theirs. Without the
samples it is in no list and in no agreement; the same run made anew has it again.
"""

from __future__ import annotations

import duckdb

from store.forks import write_inheritance
from store.transaction import transaction

TABLES = """
SELECT c.table_name FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (table_name)
WHERE c.column_name = 'run_id' ORDER BY c.table_name
"""
STORED = (
    "stored_events", "stored_judging", "stored_samples", "stored_scores", "stored_likelihoods", "stored_train_steps",
    "stored_training_rows",
)  # fmt: skip


def forget_runs(connection: duckdb.DuckDBPyConnection, run_ids: list[str]) -> None:
    """Delete every row of these runs but people's words, in one transaction; verdicts of their cells are owed anew."""
    tables = [row[0] for row in connection.execute(TABLES).fetchall()]
    with transaction(connection):
        cells = "SELECT DISTINCT study, cell FROM runs WHERE list_contains(?, run_id)"
        connection.execute(
            f"DELETE FROM verdicts USING ({cells}) AS c "
            "WHERE scope = 'cell' AND verdicts.study = c.study AND verdicts.cell = c.cell",
            [run_ids],
        )
        connection.execute(
            f"INSERT INTO owed_verdicts SELECT r.run_id FROM runs AS r JOIN ({cells}) AS c USING (study, cell) "
            "WHERE r.status = 'finished'",
            [run_ids],
        )
        lines = "SELECT coalesce(sum(lines), 0) FROM journals WHERE list_contains(?, run_id)"
        connection.execute(f"UPDATE beside_lines SET count = count + 1 + ({lines})", [run_ids])
        numbers = "SELECT run_no FROM run_numbers WHERE list_contains(?, run_id)"
        for table in STORED:
            connection.execute(f"DELETE FROM {table} WHERE run_no IN ({numbers})", [run_ids])
        for table in tables:
            connection.execute(f"DELETE FROM {table} WHERE list_contains(?, run_id)", [run_ids])
        for table in ("jobs", "doses"):
            connection.execute(f"DELETE FROM {table} WHERE list_contains(?, job_id)", [run_ids])
        write_inheritance(connection)
