"""`lab.duckdb` made anew while no server writes it: the server ends, workers go on."""

from __future__ import annotations

from typing import Any

from engine.locks import FileLock
from idemtui.server.stop import stop_server
from store.lab import Lab
from store.rebuild import rebuild


def rebuild_lab(lab: Lab) -> dict[str, Any]:
    """Stop the server, read every journal; returns `database`, `runs`, `events` and `errors`."""
    stop_server(lab)
    with FileLock(lab.lock, f"lab {lab.root}"):
        found = rebuild(lab)
    return {"database": str(lab.database), "runs": found.runs, "events": found.events, "errors": list(found.errors)}
