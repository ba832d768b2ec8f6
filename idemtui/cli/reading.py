"""Asking the store from the command line: the lab's client, rows as plain dicts, and which run was meant."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from engine.errors import LabError, UsageError

if TYPE_CHECKING:
    from store.client import Client
    from store.lab import Lab

Rows = list[dict[str, Any]]


def open_client(lab: Lab) -> Client:
    """The lab's client; a server is started only where the journals know more than the database.

    Raises LabError where there is no lab to ask.
    """
    from idemtui.server.start import connect_server, ensure_server
    from store.client import connect

    if not lab.runs.is_dir():
        raise LabError(
            f"no lab in {lab.root}; `idemtui demo` or `idemtui run STUDY.toml` makes one, --lab names another."
        )
    client = connect_server(lab)
    if client is not None:
        return client
    if not is_behind(lab) or not os.access(lab.root, os.W_OK):
        return connect(lab)
    client = ensure_server(lab)
    client.sync()
    return client


def is_behind(lab: Lab) -> bool:
    """Whether a run's files were written after the database was."""
    try:
        remembered = lab.database.stat().st_mtime_ns
    except OSError:
        return True
    files = ("spec.json", "commands.jsonl", "events.jsonl")
    paths = (lab.run(folder.name) / file for folder in lab.runs.iterdir() for file in files)
    return any(path.exists() and path.stat().st_mtime_ns > remembered for path in paths)


def rows(client: Client, sql: str, **values: object) -> Rows:
    """The rows of a statement whose `$name` places take the values."""
    found: Rows = client.sql(sql, values or None).table.to_pylist()
    return found


def chosen_run(client: Client, asked: str) -> dict[str, Any]:
    """The run that an id, a unique prefix of one, or a name means; UsageError names the near ones."""
    runs = rows(client, "SELECT * EXCLUDE (spec) FROM runs ORDER BY created_at, run_id")
    for matches in (
        [run for run in runs if run["run_id"] == asked],
        [run for run in runs if run["name"] == asked],
        [run for run in runs if asked and run["run_id"].startswith(asked)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UsageError(f"run {asked!r} may be {_named(matches)}; give an id, or more of it.")
    raise UsageError(f"no run {asked!r} in {client.lab.root}; {_near(asked, runs)}")


def _named(runs: Rows) -> str:
    shown = ", ".join(f"{run['run_id']} ({run['name']})" for run in runs[:5])
    return shown + (f" and {len(runs) - 5} more" if len(runs) > 5 else "")


def _near(asked: str, runs: Rows) -> str:
    if not runs:
        return "it holds none yet: `idemtui demo` or `idemtui run STUDY.toml`."
    names = {key: run for run in runs for key in (run["name"], run["run_id"])}
    near = get_close_matches(asked, names, n=3, cutoff=0.5) or [n for n in names if asked.lower() in n.lower()][:3]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"it holds {_named(runs)}."
