"""Checks of the database: its size and version, who holds it, which journals it could not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import IdemtuiError
from idemtui.amounts import size
from idemtui.cli.reading import is_behind
from idemtui.doctor.check import Check, TooSlowError, within
from idemtui.doctor.patient import Patient
from idemtui.text import one_line

SECONDS = 1.5
RUNS = "SELECT run_id, name, status FROM runs ORDER BY created_at, run_id"
JOBS = "SELECT job_id, name, status FROM jobs ORDER BY created_at, job_id"
VERSION = "SELECT max(version) FROM migrations"
ERRORS = "SELECT error FROM ingest_errors ORDER BY run_id, file"
Row = tuple[Any, ...]


class Memory:
    """What the database says, read once: runs, jobs, schema version, ingest errors, or why it cannot be read."""

    def __init__(self, patient: Patient) -> None:
        self.runs: list[Row] = []
        self.jobs: list[Row] = []
        self.version: int | None = None
        self.errors: list[str] = []
        self.problem = ""
        if not patient.lab.database.exists():
            self.problem = "missing"
            return
        try:
            (self.runs, self.jobs, versions, errors) = within(SECONDS, lambda: _read(patient))
        except TooSlowError:
            self.problem = f"did not answer within {SECONDS:.1f} s"
        except IdemtuiError as error:
            self.problem = one_line(str(error))
        else:
            self.version, self.errors = versions[0][0], [one_line(str(row[0])) for row in errors]

    @property
    def names(self) -> dict[str, str]:
        """Names by run or job id."""
        return {run_id: one_line(name) for run_id, name, _ in (*self.runs, *self.jobs)}

    @property
    def open_runs(self) -> list[str]:
        """Runs and jobs that were queued or running when the database was last written."""
        return [one_line(name) for _, name, status in (*self.runs, *self.jobs) if status in ("queued", "running")]


def _read(patient: Patient) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
    queries = RUNS, JOBS, VERSION, ERRORS
    if patient.served:
        from store.client import connect

        with connect(patient.lab) as client:
            return tuple(client.sql(query).tuples() for query in queries)  # type: ignore[return-value]
    from store.database import open_database

    connection = open_database(patient.lab.database, read_only=True)
    try:
        return tuple(_fetch(connection, query) for query in queries)  # type: ignore[return-value]
    finally:
        connection.close()


def _fetch(connection: Any, query: str) -> list[Row]:
    import duckdb

    try:
        found: list[Row] = connection.execute(query).fetchall()
    except duckdb.Error:
        return [(None,)] if query is VERSION else []
    return found


def check_database(patient: Patient, memory: Memory) -> Check:
    """Size, version, who holds it."""
    from store.schema import migrations

    path = patient.lab.database
    if memory.problem == "missing":
        return Check("database", "ok", "none yet; the first server makes it from the journals")
    wal = path.with_name(f"{path.name}.wal")
    bytes_ = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    what = f"{path.name}, {size(bytes_)}"
    if memory.problem:
        if patient.holder is not None and not patient.served:
            return Check("database", "warn", f"{what}: {memory.problem}", "It is the server that does not answer.")
        advice = "Journals are whole whatever becomes of it: close it elsewhere, or `idemtui rebuild` it."
        return Check("database", "bad", f"{what}: {memory.problem}", advice)
    newest = migrations()[-1].version
    what += f", schema {memory.version}, {len(memory.runs)} runs"
    if memory.version is None or memory.version > newest:
        advice = f"This program knows schema {newest}: install a newer idemtui, or `idemtui rebuild`."
        return Check("database", "bad", what, advice)
    if memory.version < newest:
        return Check("database", "ok", f"{what}; the next server brings it to schema {newest}")
    return Check("database", "ok", what)


def check_journals(patient: Patient, memory: Memory) -> Check:
    """What ingest could not read, or cannot do now."""
    troubles: Sequence[str] = [one_line(patient.status.get("trouble") or "")] if patient.status.get("trouble") else []
    if troubles or memory.errors:
        what = "; ".join([*troubles, *memory.errors[:3]]) + (" …" if len(memory.errors) > 3 else "")
        return Check("journals", "warn", what, "What is read stays; the rest is read once the cause is gone.")
    if not patient.served and memory.open_runs:
        listed = ", ".join(memory.open_runs[:5]) + (" …" if len(memory.open_runs) > 5 else "")
        advice = "`idemtui ls` starts a server, which finds out what became of them."
        return Check("journals", "warn", f"queued or running when last read, and no server answers: {listed}", advice)
    if not patient.served and is_behind(patient.lab):
        return Check("journals", "ok", "they hold more than the database; the next command that reads takes it in")
    return Check("journals", "ok", "all read")
