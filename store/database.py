"""Opening a lab's DuckDB file: one way to write it, one to read it, both with everything but the file itself shut off.

DuckDB lets one process write, or many read. Within the writing process every thread takes its own `cursor()`.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from engine.errors import LabError, ServerError

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
"""The fence's outer wall: no file, no network, no extension, no Python variable, and no way to change that by SQL."""


class DatabaseHeldError(ServerError):
    """Another program holds lab.duckdb; its message names that program."""


def open_database(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to the database file, made where it is missing unless `read_only`.

    Raises DatabaseHeldError where another process holds it, LabError where it cannot be used.
    """
    if read_only and not path.exists():
        raise LabError(f"{path} does not exist; `idemtui rebuild` makes it from the lab's journals.")
    try:
        return duckdb.connect(path, read_only=read_only, config=SETTINGS)
    except duckdb.Error as error:
        raise _explained(path, str(error)) from None


def _explained(path: Path, message: str) -> LabError | ServerError:
    held = re.search(r"lock is held in (.+?) \(PID (\d+)\)", message)
    if held:
        program, pid = held.groups()
        return DatabaseHeldError(
            f"{path} is held by {program} (process {pid}); what is asked now must wait until it closes the file."
        )
    if "lock" in message or "different configuration" in message:
        return DatabaseHeldError(f"{path} is held by another program; close it there and ask again.")
    if "not a valid DuckDB database" in message:
        return LabError(f"{path} is no DuckDB database; `idemtui rebuild` makes it anew from the lab's journals.")
    if "ersion" in message and "storage" in message.lower():
        return LabError(f"{path} was written by a newer DuckDB; install that, or `idemtui rebuild` the lab.")
    first = message.strip().splitlines()[0]
    return LabError(f"{path} cannot be opened: {first}")
