"""`lab.duckdb` made anew from the lab's files, beside the old one, which is replaced only by a whole new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.database import open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild found: runs, events, lines of all files, and one line per file not readable to its end."""

    runs: int
    events: int
    lines: int
    errors: tuple[str, ...]


def rebuild(lab: Lab) -> Rebuilt:
    """Read every journal into a new database and put it in the old one's place; the caller holds `lab.lock`."""
    draft = lab.root / "lab.duckdb.new"
    _log_of(draft).unlink(missing_ok=True)
    draft.unlink(missing_ok=True)
    connection = open_database(draft)
    try:
        migrate(connection, str(draft))
        ingest = Ingest(connection, lab)
        lines = 0
        while read := ingest.poll():
            lines += read
        counts = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM events)"
        runs, events = connection.execute(counts).fetchall()[0]
        errors = connection.execute("SELECT error FROM ingest_errors ORDER BY run_id, file").fetchall()
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    _log_of(lab.database).unlink(missing_ok=True)
    draft.replace(lab.database)
    return Rebuilt(runs, events, lines, tuple(row[0] for row in errors))


def _log_of(database: Path) -> Path:
    """The database's write-ahead log; it must never meet another database."""
    return database.with_name(f"{database.name}.wal")
