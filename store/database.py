"""Opening a lab's DuckDB file: one way to write it, one to read it, both with everything but the file itself shut off.

DuckDB lets one process write, or many read. Within the writing process every thread takes its own `cursor()`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from engine.errors import LabError, ServerError

GIGABYTE = 1 << 30


def memory_limit() -> int:
    """Bytes that questions may use before they spill to disk: an eighth of the machine, between 0.5 and 4 GB."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(4 * GIGABYTE, max(GIGABYTE // 2, machine // 8))


SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "allowed_configs": ["streaming_buffer_size"],
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": f"{memory_limit()}B",
    "max_temp_directory_size": "4GB",
    "checkpoint_threshold": "64MB",
    "threads": min(4, os.cpu_count() or 1),
}
"""The fence's outer wall: no file, no network, no extension, no Python variable, bounded memory, and locked.

A checkpoint writes a table's last, unfilled block anew, so it comes every 64 MB; a killed server reads as much again.
"""


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


def _script(pid: str) -> str | None:
    """The script that a Python process runs, such as Harlequin's: DuckDB itself names the interpreter."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    if "python" not in Path(words[0]).name or len(words) < 2 or words[1].startswith("-") or not words[1].isprintable():
        return None
    return words[1] or None


def _explained(path: Path, message: str) -> LabError | ServerError:
    held = re.search(r"lock is held in (.+?) \(PID (\d+)\)", message)
    if held:
        program, pid = held.groups()
        name = _script(pid) or program
        return DatabaseHeldError(
            f"{path} is held by {name} (process {pid}); what is asked now must wait until it closes the file."
        )
    if "lock" in message or "different configuration" in message:
        return DatabaseHeldError(f"{path} is held by another program; close it there and ask again.")
    if "not a valid DuckDB database" in message:
        return LabError(f"{path} is no DuckDB database; `idemtui rebuild` makes it anew from the lab's journals.")
    if "ersion" in message and "storage" in message.lower():
        return LabError(f"{path} was written by a newer DuckDB; install that, or `idemtui rebuild` the lab.")
    first = message.strip().splitlines()[0]
    if "ermission denied" in message:
        return LabError(f"{path} cannot be opened: {first}")
    return LabError(f"{path} cannot be opened: {first}; `idemtui rebuild` makes it anew from the lab's journals.")
