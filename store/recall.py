"""What folding needs to know of a run, read back from the tables: after a restart, ingest goes on from there."""

from __future__ import annotations

import json

import duckdb

from store.run_state import CycleRow, RunState, StageRow
from store.status import LIFECYCLE, pause_message
from store.tables import SCHEMAS


def new_state(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunState:
    """The state of a run of which nothing was written yet."""
    return RunState(run_id, recall=lambda run_id, cycle: _recall_cycle(connection, run_id, cycle))


def load_state(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunState:
    """The state after everything that was written of this run; rows of older cycles are read when they are needed."""
    state = new_state(connection, run_id)
    number = connection.execute("SELECT run_no FROM run_numbers WHERE run_id = ?", [run_id]).fetchone()
    state.run_no = number[0] if number else 0
    _load_commands(connection, state)
    _load_lifecycle(connection, state)
    newest = "SELECT max(cycle) FROM (SELECT run_id, cycle FROM cycles UNION ALL SELECT run_id, cycle FROM stages)"
    [(cycle,)] = connection.execute(f"{newest} WHERE run_id = ?", [run_id]).fetchall()
    state.oldest = -1 if cycle is None else cycle + 1
    judges = "SELECT metric, judge_id FROM run_judges WHERE run_id = ?"
    state.judges = dict(connection.execute(judges, [run_id]).fetchall())
    told = connection.execute("SELECT done, total FROM jobs WHERE job_id = ? AND total IS NOT NULL", [run_id])
    state.progress = told.fetchone()
    return state


def _recall_cycle(
    connection: duckdb.DuckDBPyConnection, run_id: str, cycle: int
) -> tuple[CycleRow | None, list[StageRow]]:
    where = "WHERE run_id = ? AND cycle = ?"
    cycles = connection.execute(f"SELECT {_columns('cycles')} FROM cycles {where}", [run_id, cycle]).fetchall()
    stages = connection.execute(f"SELECT {_columns('stages')} FROM stages {where}", [run_id, cycle]).fetchall()
    return (CycleRow(*cycles[0]) if cycles else None), [StageRow(*row) for row in stages]


def _columns(table: str) -> str:
    return ", ".join(SCHEMAS[table].names)


def _load_commands(connection: duckdb.DuckDBPyConnection, state: RunState) -> None:
    query = """
        SELECT type, ts, pid, exit_code, message, log_tail, cycles FROM commands WHERE run_id = ? ORDER BY "position"
    """
    for type_, ts, pid, exit_code, message, log_tail, cycles in connection.execute(query, [state.run_id]).fetchall():
        state.standing.command(type_, ts, pid=pid, exit_code=exit_code, message=message, log_tail=tuple(log_tail or ()))
        state.removed.update((cycles or ()) if type_ == "adapters_removed" else ())


def _load_lifecycle(connection: duckdb.DuckDBPyConnection, state: RunState) -> None:
    query = f"SELECT type, ts, payload FROM events WHERE run_id = ? AND type IN {LIFECYCLE} ORDER BY seq"
    for type_, ts, payload in connection.execute(query, [state.run_id]).fetchall():
        plain = json.loads(payload)
        state.device = plain.get("device", state.device)
        message = plain.get("message") or plain.get("reason")
        if type_ == "run_paused":
            message = pause_message(plain.get("cause"), message)
        state.standing.lifecycle(type_, ts, message=message, pid=plain.get("pid"))
    [(heard,)] = connection.execute("SELECT max(ts) FROM events WHERE run_id = ?", [state.run_id]).fetchall()
    state.standing.heard_at = heard
