"""What people and the queue asked of a run: `commands.jsonl`, written by the lab server, read by the worker.

The worker looks at it at every safe point, so pausing and cancelling need no signal and work across machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import JournalError
from engine.lines import append_line

CommandType = Literal[
    "queued", "started", "pause_requested", "cancel_requested", "worker_silent", "worker_exited", "adapters_removed"
]
Stop = Literal["pause", "cancel"]


class Command(BaseModel):
    """One line of `commands.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ts: str
    type: CommandType
    pid: int | None = None
    """The worker's, for `started`."""
    boot_id: str | None = None
    """Which start of the machine the worker belongs to, for `started`."""
    device: str | None = None
    """Where the worker runs, for `started`: `cpu`, or a GPU's UUID."""
    priority: int | None = None
    """For `queued`: a higher number goes first; None is 0."""
    exit_code: int | None = None
    """The worker's, negative for a signal, for `worker_exited`; None where nobody could know it."""
    message: str | None = None
    """Why, in one line, for `worker_silent` and `worker_exited`."""
    log_tail: tuple[str, ...] = ()
    """The last lines of `worker.log`, for `worker_exited` where it went wrong."""
    cycles: tuple[int, ...] = ()
    """Whose adapters were removed to free disk, for `adapters_removed`."""


def append_command(folder: Path, type_: CommandType, **values: Any) -> Command:
    """Add one line, durable before it returns; `values` are fields of Command. DiskFullError leaves no trace."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    command = Command(ts=now, type=type_, **values)
    append_line(folder / "commands.jsonl", command.model_dump_json(exclude_defaults=True).encode() + b"\n")
    return command


def read_commands(folder: Path) -> Iterator[Command]:
    """All whole lines in order; a torn last line is left out. JournalError for a line that is no command."""
    path = folder / "commands.jsonl"
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield _command(path, number, line)


def _command(path: Path, number: int, line: bytes) -> Command:
    try:
        return Command.model_validate_json(line)
    except ValidationError as error:
        raise JournalError(
            f"{path}, line {number} is no command of this version ({error.errors()[0]['msg']}); "
            "remove that line, or use the version that wrote it."
        ) from None


def stop_requested(folder: Path) -> Stop | None:
    """What the run was last asked: to pause, to be cancelled, or (None) to go on."""
    asked: Stop | None = None
    for command in read_commands(folder):
        match command.type:
            case "queued":
                asked = None
            case "pause_requested":
                asked = "pause"
            case "cancel_requested":
                asked = "cancel"
            case _:
                pass
    return asked
