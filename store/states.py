"""What folding needs to know of a run, read back from the tables: after a restart, ingest goes on from there."""

from __future__ import annotations

import json

import duckdb

from store.fold import CycleRow, RunState, StageRow
from store.status import LIFECYCLE
from store.tables import SCHEMAS


def load_state(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunState:
    """The state after everything that was written of this run."""
    state = RunState(run_id)
    _load_commands(connection, state)
    _load_lifecycle(connection, state)
    for row in connection.execute(f"SELECT {_columns('cycles')} FROM cycles WHERE run_id = ?", [run_id]).fetchall():
        cycle = CycleRow(*row)
        state.cycles[cycle.cycle] = cycle
    for row in connection.execute(f"SELECT {_columns('stages')} FROM stages WHERE run_id = ?", [run_id]).fetchall():
        stage = StageRow(*row)
        state.stages[stage.cycle, stage.stage] = stage
    judges = "SELECT metric, judge_id FROM run_judges WHERE run_id = ?"
    state.judges = dict(connection.execute(judges, [run_id]).fetchall())
    return state


def _columns(table: str) -> str:
    return ", ".join(SCHEMAS[table].names)


def _load_commands(connection: duckdb.DuckDBPyConnection, state: RunState) -> None:
    query = 'SELECT type, ts, exit_code FROM commands WHERE run_id = ? ORDER BY "position"'
    for type_, ts, exit_code in connection.execute(query, [state.run_id]).fetchall():
        state.standing.command(type_, ts, exit_code)


def _load_lifecycle(connection: duckdb.DuckDBPyConnection, state: RunState) -> None:
    query = f"SELECT type, ts, payload FROM events WHERE run_id = ? AND type IN {LIFECYCLE} ORDER BY seq"
    for type_, ts, payload in connection.execute(query, [state.run_id]).fetchall():
        plain = json.loads(payload)
        state.device = plain.get("device", state.device)
        state.standing.lifecycle(type_, ts, plain.get("message") or plain.get("reason"))
