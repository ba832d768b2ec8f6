"""The small tables that move: where each run, job, cycle and stage is, and how far each file has been read."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from store.curves import write_cycle_means, write_deltas
from store.derived import write_prompt_means, write_verdicts
from store.forks import with_descendants, write_inheritance
from store.lab import is_job
from store.likelihoods import write_likelihood_means
from store.run_state import RunState
from store.tables import incoming, replace
from store.transaction import transaction

MOVED = """
    status = i.status, message = i.message, started_at = i.started_at, finished_at = i.finished_at,
    log_tail = i.log_tail
"""


@dataclass(frozen=True)
class Position:
    """How far one file is remembered, in bytes and lines, and why it goes no further."""

    run_id: str
    file: str
    offset: int = 0
    lines: int = 0
    error: str | None = None


def write_positions(connection: duckdb.DuckDBPyConnection, positions: list[Position]) -> None:
    """Move the offsets of these files."""
    rows = [(p.run_id, p.file, p.offset, p.lines, p.error) for p in positions]
    replace(connection, "journals", rows, ("run_id", "file"))


def write_states(connection: duckdb.DuckDBPyConnection, states: list[RunState]) -> None:
    """Bring the small tables to where these runs are."""
    _write_standings(connection, [state for state in states if state.changed])
    cycles = [tuple(vars(s.cycles[c]).values()) for s in states for c in sorted(s.changed_cycles)]
    replace(connection, "cycles", cycles, ("run_id", "cycle"))
    stages = [tuple(vars(s.stages[key]).values()) for s in states for key in sorted(s.changed_stages)]
    replace(connection, "stages", stages, ("run_id", "cycle", "stage"))
    _write_judges(connection, states)
    _write_results(connection, states)


def _write_results(connection: duckdb.DuckDBPyConnection, states: list[RunState]) -> None:
    """Curves of what ended and of the forks that begin with it; their verdicts are owed."""
    forked = [state.run_id for state in states if state.forked]
    if any(state.arrived for state in states):
        write_inheritance(connection)
    closed = [(s.run_id, cycle, s.run_no) for s in states for cycle in dict.fromkeys(s.closed_cycles)]
    moved = with_descendants(connection, [*forked, *(run_id for run_id, *_ in closed)])
    if closed:
        write_prompt_means(connection, closed)
        write_cycle_means(connection, closed)
        write_likelihood_means(connection, closed)
    if moved:
        write_deltas(connection, moved)
    forks = [run_id for run_id in moved if run_id not in {run_id for run_id, *_ in closed}]
    finished = [state.run_id for state in states if state.finished and not is_job(state.run_id)]
    arrived = [state.run_id for state in states if state.arrived]
    owed = [(run_id,) for run_id in dict.fromkeys((*finished, *forks, *_beside(connection, arrived)))]
    replace(connection, "owed_verdicts", owed, ("run_id",))


def _beside(connection: duckdb.DuckDBPyConnection, arrived: list[str]) -> list[str]:
    """A finished run of every cell that has just got another one: the cell has replicates to wait for now."""
    if not arrived:
        return []
    query = """
        SELECT min(f.run_id) FROM runs AS f JOIN runs AS a ON a.study = f.study AND a.cell = f.cell
        WHERE list_contains(?, a.run_id) AND f.run_id <> a.run_id AND f.status = 'finished' GROUP BY f.study, f.cell
    """
    return [row[0] for row in connection.execute(query, [arrived]).fetchall()]


def write_owed_verdicts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The verdicts of one cell that are owed, in a transaction of its own; its runs, none where nothing is owed."""
    query = """
        SELECT list(run_id ORDER BY run_id) FROM owed_verdicts JOIN runs USING (run_id)
        GROUP BY study, cell ORDER BY study, cell LIMIT 1
    """
    owed = connection.execute(query).fetchall()
    if not owed:
        return []
    run_ids: list[str] = owed[0][0]
    with transaction(connection):
        write_verdicts(connection, run_ids)
        connection.execute("DELETE FROM owed_verdicts WHERE list_contains(?, run_id)", [run_ids])
        connection.execute("UPDATE beside_lines SET count = count + 1")
    return run_ids


def _write_standings(connection: duckdb.DuckDBPyConnection, states: list[RunState]) -> None:
    if not states:
        return
    rows = []
    for state in states:
        now = state.standing.verdict()
        times = state.standing.started_at, now.finished_at
        rows.append(
            (state.run_id, now.status, now.message, *times, list(now.log_tail), *(state.progress or (None, None)))
        )
    with incoming(connection, "standings", rows):
        connection.execute(f"UPDATE runs SET {MOVED} FROM incoming AS i WHERE runs.run_id = i.run_id")
        connection.execute(
            f"UPDATE jobs SET {MOVED}, error = CASE WHEN i.status = 'failed' THEN i.message END, "
            "done = i.done, total = i.total FROM incoming AS i WHERE jobs.job_id = i.run_id"
        )


def _write_judges(connection: duckdb.DuckDBPyConnection, states: list[RunState]) -> None:
    declared = {(event.judge_id, event.metric, event.rubric_version): event for s in states for event in s.declared}
    rows = [(e.judge_id, e.metric, e.model, e.rubric, e.rubric_version, e.method) for e in declared.values()]
    replace(connection, "judges", rows, ("judge_id", "metric", "rubric_version"))
    own = [(s.run_id, event.metric, event.judge_id) for s in states for event in s.declared]
    replace(connection, "run_judges", own, ("run_id", "metric"))
