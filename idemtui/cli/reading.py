"""Asking the store from the command line: the lab's client, rows as plain dicts, and which run was meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from engine.errors import LabError, ServerError, UsageError

if TYPE_CHECKING:
    from idemtui.cli.standing import Status
    from store.client import Client
    from store.lab import Lab

Rows = list[dict[str, Any]]
OPEN = """
SELECT 1 AS one FROM (SELECT status FROM runs UNION ALL SELECT status FROM jobs)
WHERE status IN ('queued', 'running') LIMIT 1
"""
JOBS = """
SELECT job_id AS run_id, kind AS study, name, '' AS cell, * EXCLUDE (job_id, name, spec) FROM jobs
ORDER BY created_at, job_id
"""
"""Jobs as verbs know them beside runs: `run_id` is a job's id, `study` its kind."""


def existing(lab: Lab) -> Lab:
    """The lab; LabError where its folder is missing."""
    if not lab.runs.is_dir():
        raise LabError(
            f"no lab in {lab.root}; `idemtui demo` or `idemtui run STUDY.toml` makes one, --lab names another."
        )
    return lab


def open_client(lab: Lab) -> Client:
    """`open_lab`'s client, where the server's facts are not wanted."""
    return open_lab(lab)[0]


def open_lab(lab: Lab) -> tuple[Client, Status]:
    """The lab's client, for reading, and what the server knows; says on stderr which runs were interrupted.

    A server is started only where statuses would be old without one: where it was killed, where the journals know more
    than the database, or where the database says that runs are queued or running. LabError where there is no lab.
    """
    from idemtui.cli.standing import lab_status, tell_interrupted

    client = _true_client(existing(lab))
    status = lab_status(client)
    tell_interrupted(status)
    return client, status


def _true_client(lab: Lab) -> Client:
    from store.client import connect

    writable, listened = os.access(lab.root, os.W_OK), lab.socket.exists()
    if listened and writable:
        return served_client(lab)
    client = connect(lab)
    if (listened and client.served()) or not (is_behind(lab) or _has_open_runs(client)):
        return client
    if writable:
        client.close()
        return served_client(lab)
    _tell_old(lab)
    return client


def served_client(lab: Lab) -> Client:
    """A client of the lab's server; one that was started for it has read all journals."""
    from engine.locks import holder_pid
    from idemtui.cli.output import tell
    from idemtui.server.start import ensure_server

    before = holder_pid(lab.lock)
    client = ensure_server(lab)
    if holder_pid(lab.lock) != before and not client.sync():
        tell("the server is still reading the journals: what is shown now may be less than the lab holds.")
    return client


def _has_open_runs(client: Client) -> bool:
    """Also where the database cannot be read as it is: a server brings an old one to the newest schema."""
    try:
        return bool(rows(client, OPEN))
    except LabError:
        return True


def _tell_old(lab: Lab) -> None:
    from idemtui.cli.output import tell

    if lab.database.exists():
        when = datetime.fromtimestamp(lab.database.stat().st_mtime).strftime("%Y-%m-%d %H:%M:%S")
        tell(f"no server answers and {lab.root} cannot be written; this is what lab.duckdb held at {when}.")


def is_behind(lab: Lab) -> bool:
    """Whether a run's or job's files were written after the database was."""
    try:
        remembered = lab.database.stat().st_mtime_ns
    except OSError:
        return True
    files = ("spec.json", "commands.jsonl", "events.jsonl")
    places = (place for place in (lab.runs, lab.jobs) if place.is_dir())
    paths = (folder / file for place in places for folder in place.iterdir() for file in files)
    return any(path.exists() and path.stat().st_mtime_ns > remembered for path in paths)


def rows(client: Client, sql: str, **values: object) -> Rows:
    """The rows of a statement whose `$name` places take the values."""
    found: Rows = client.sql(sql, values or None).table.to_pylist()
    return found


def chosen_run(client: Client, asked: str) -> dict[str, Any]:
    """The run that an id, a unique prefix of one, or a name means; UsageError names the near ones."""
    return chosen_runs(client, [asked])[0]


def chosen_runs(client: Client, asked: Sequence[str]) -> Rows:
    """The runs that were meant, each once, in the order of asking; UsageError before anything is done."""
    runs = _known_runs(client)
    chosen = [_chosen(client, one, runs) for one in asked]
    return list({run["run_id"]: run for run in chosen}.values())


def chosen_works(client: Client, asked: Sequence[str]) -> Rows:
    """The same among runs and jobs; a job has its `kind`, and its id as `run_id`."""
    works = _known_runs(client) + _known_jobs(client)
    chosen = [_chosen(client, one, works) for one in asked]
    return list({work["run_id"]: work for work in chosen}.values())


def _known_jobs(client: Client) -> Rows:
    """None while another program holds the database: then they are among what the folders tell."""
    try:
        return rows(client, JOBS)
    except ServerError:
        return []


def _known_runs(client: Client) -> Rows:
    """Every run; by folders alone, with fewer facts, while another program holds the database."""
    from idemtui.cli.folders import runs_by_folder

    try:
        return rows(client, "SELECT * EXCLUDE (spec) FROM runs ORDER BY created_at, run_id")
    except ServerError:
        return runs_by_folder(client.lab)


def _chosen(client: Client, asked: str, runs: Rows) -> dict[str, Any]:
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
    shown = ", ".join(f"{run['run_id']} ({run['name']}{_of_study(run)})" for run in runs[:5])
    return shown + (f" and {len(runs) - 5} more" if len(runs) > 5 else "")


def _of_study(work: dict[str, Any]) -> str:
    """A job has none."""
    return f", study {work['study']}" if work.get("study") else ""


def _near(asked: str, runs: Rows) -> str:
    if not runs:
        return "it holds none yet: `idemtui demo` or `idemtui run STUDY.toml`."
    names = {key: run for run in runs for key in (run["name"], run["run_id"])}
    near = get_close_matches(asked, names, n=3, cutoff=0.5) or [n for n in names if asked.lower() in n.lower()][:3]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"it holds {_named(runs)}."
