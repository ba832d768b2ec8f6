"""What people and the queue asked of a run: `commands.jsonl`, written by the lab server, read by the worker.

The worker looks at it at every safe point, so cancelling needs no signal and works across machines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

CommandType = Literal["queued", "started", "cancel_requested", "worker_exited"]


class Command(BaseModel):
    """One line of `commands.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ts: str
    type: CommandType
    pid: int | None = None
    """The worker's, for `started`."""
    exit_code: int | None = None
    """The worker's, negative for a signal, for `worker_exited`."""


def append_command(
    folder: Path, type_: CommandType, *, pid: int | None = None, exit_code: int | None = None
) -> Command:
    """Add one line, durable before it returns."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    command = Command(ts=now, type=type_, pid=pid, exit_code=exit_code)
    with (folder / "commands.jsonl").open("ab", buffering=0) as file:
        file.write(command.model_dump_json(exclude_none=True).encode() + b"\n")
        os.fsync(file.fileno())
    return command


def read_commands(folder: Path) -> Iterator[Command]:
    """All whole lines in order; a torn last line is left out."""
    path = folder / "commands.jsonl"
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield Command.model_validate(json.loads(line))


def cancel_requested(folder: Path) -> bool:
    """Whether the last thing asked of the run is to stop."""
    asked = [c.type for c in read_commands(folder) if c.type in ("queued", "cancel_requested")]
    return bool(asked) and asked[-1] == "cancel_requested"
