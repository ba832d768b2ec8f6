"""What a run's folder says of it: the queue is derived from these files, so a restarted server goes on with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.commands import read_commands
from engine.errors import JournalError

Outcome = Literal["finished", "failed", "cancelled"]
OUTCOMES: dict[str, Outcome] = {"run_finished": "finished", "run_failed": "failed", "run_cancelled": "cancelled"}

TAIL_BYTES = 16_384
"""Enough for any event that ends a run; a longer last line is a batch of samples."""


@dataclass(frozen=True)
class History:
    """One run as its `commands.jsonl` and the end of its `events.jsonl` tell it."""

    run_id: str
    queued_at: str | None
    """When it was asked for, where no worker has taken that up."""
    worker: int | None
    """Process id of a worker that was started and whose end nobody recorded."""
    outcome: Outcome | None
    """The journal's last word, where the chain or its worker has ended in order."""
    cancelled: bool
    """Whether the last thing asked of it was to stop."""

    @property
    def waiting(self) -> bool:
        """Whether it stands in the queue."""
        return self.queued_at is not None and self.outcome != "finished"


def read_history(folder: Path) -> History:
    """Raise JournalError where `commands.jsonl` holds a line that is no command."""
    queued_at: str | None = None
    worker: int | None = None
    cancelled = False
    try:
        for command in read_commands(folder):
            match command.type:
                case "queued":
                    queued_at, cancelled = command.ts, False
                case "cancel_requested":
                    queued_at, cancelled = None, True
                case "started":
                    queued_at, worker = None, command.pid
                case "worker_exited":
                    queued_at = None if worker is None else queued_at
                    worker = None
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise JournalError(f"{folder / 'commands.jsonl'}: a line is no command ({problem}).") from None
    return History(folder.name, queued_at, worker, last_outcome(folder / "events.jsonl"), cancelled)


def last_outcome(journal: Path) -> Outcome | None:
    """The outcome that the last whole line tells, None while the chain is under way or its worker died."""
    try:
        with journal.open("rb") as file:
            file.seek(max(journal.stat().st_size - TAIL_BYTES, 0))
            lines = file.read().split(b"\n")[:-1]
        return OUTCOMES.get(json.loads(lines[-1])["type"]) if lines else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run_folders(runs: Path) -> list[Path]:
    """Folders that hold a frozen spec, by name."""
    if not runs.is_dir():
        return []
    return sorted(folder for folder in runs.iterdir() if (folder / "spec.json").is_file())
