"""`lab.duckdb` made anew from the lab's journals: beside the old one, which is replaced only by a whole new one."""

from __future__ import annotations

from typing import Any

from engine.locks import FileLock
from idemtui.server.stop import stop_server
from store.database import open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate


def rebuild_lab(lab: Lab) -> dict[str, Any]:
    """Stop the server (workers go on), read every journal; returns `database`, `runs`, `events` and `errors`."""
    stop_server(lab)
    draft = lab.root / "lab.duckdb.new"
    with FileLock(lab.lock, f"lab {lab.root}"):
        _remove(draft.name, lab)
        connection = open_database(draft)
        try:
            migrate(connection, str(draft))
            ingest = Ingest(connection, lab)
            while ingest.poll():
                pass
            counts = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM events)"
            runs, events = connection.execute(counts).fetchall()[0]
            errors = [row[0] for row in connection.execute("SELECT error FROM ingest_errors ORDER BY 1").fetchall()]
        finally:
            connection.close()
        _remove(lab.database.name, lab)
        draft.rename(lab.database)
    return {"database": str(lab.database), "runs": runs, "events": events, "errors": errors}


def _remove(name: str, lab: Lab) -> None:
    """A database with its write-ahead log, the log first: it must never meet another database."""
    for path in (lab.root / f"{name}.wal", lab.root / name):
        path.unlink(missing_ok=True)
