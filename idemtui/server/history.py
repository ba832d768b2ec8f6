"""What a run's or job's folder says of it: the queue is derived from these files, so a new server goes on with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.commands import Command, Stop, read_commands
from engine.errors import JournalError
from store.lab import Lab

Outcome = Literal["finished", "failed", "cancelled", "paused"]
OUTCOMES: dict[str, Outcome] = {
    "run_finished": "finished",
    "run_failed": "failed",
    "run_cancelled": "cancelled",
    "run_paused": "paused",
}
DISK_FULL = 75
"""Exit code of a worker that could not even write that the disk is full."""
ENDED_WITH_THE_MACHINE = (None, 143, -15)
INTERRUPTED = "interrupted: "
"""How the message of an end begins that no server was there to see."""

TAIL_BYTES = 16_384
"""Enough for any event that ends a run; a longer last line is a batch of samples."""


@dataclass(frozen=True)
class History:
    """One run as its `commands.jsonl` and the end of its `events.jsonl` tell it."""

    run_id: str
    queued_at: str | None = None
    """When it was asked for, where no worker has taken that up."""
    priority: int = 0
    """As last asked for."""
    worker: int | None = None
    """Process id of a worker that was started and whose end nobody recorded."""
    starts: tuple[int | None, ...] = ()
    """Process ids of all its workers, in order."""
    boot_id: str | None = None
    """Start of the machine that its last worker belonged to."""
    exit_code: int | None = None
    """How its last worker ended, where that was recorded."""
    message: str | None = None
    """What was written down of that end."""
    stop: Stop | None = None
    """What a person asked last: to pause, to cancel, or (None) to go on."""
    withdrawn: bool = False
    """Whether it was asked to go on while it was being stopped: that was for the worker it had."""
    outcome: Outcome | None = None
    """The journal's last word, where the chain or its worker has ended in order."""
    disk: bool = False
    """Whether the disk made it stop."""

    @property
    def waiting(self) -> bool:
        """Whether it stands in the queue."""
        if self.queued_at is None or self.outcome == "finished":
            return False
        return not (self.withdrawn and went_on(self.outcome, self.exit_code))

    @property
    def resting(self) -> bool:
        """Whether it neither waits nor has a worker nor is finished."""
        return not self.waiting and self.worker is None and self.outcome != "finished"

    @property
    def failed(self) -> bool:
        """Whether it ended by itself before its chain did, in whichever way."""
        ended = bool(self.starts) or self.exit_code is not None
        return self.resting and ended and self.stop is None and self.outcome not in ("cancelled", "paused")

    @property
    def interrupted(self) -> str | None:
        """Why nobody saw its worker end, where nothing was asked of it since."""
        noted = self.failed and self.outcome is None and self.message
        return self.message if noted and str(noted).startswith(INTERRUPTED) else None

    @property
    def waits_for_room(self) -> bool:
        """Whether it goes on as soon as the disk has room."""
        return self.resting and self.stop is None and self.disk


def went_on(outcome: Outcome | None, exit_code: int | None) -> bool:
    """Whether a worker whose stop was withdrawn obeyed that, and ended for another reason."""
    return outcome in ("finished", "failed") or exit_code not in (0, None)


def read_history(folder: Path) -> History:
    """Raise JournalError where `commands.jsonl` holds a line that is no command."""
    told: dict[str, Any] = {}
    try:
        for command in read_commands(folder):
            _take(told, command)
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise JournalError(f"{folder / 'commands.jsonl'}: a line is no command ({problem}).") from None
    ending = last_ending(folder / "events.jsonl", since=told.pop("asked_at", ""))
    disk = ending == ("paused", "disk") or told.get("exit_code") == DISK_FULL
    return History(folder.name, outcome=ending[0], disk=disk, **told)


def _take(told: dict[str, Any], command: Command) -> None:
    match command.type:
        case "queued":
            told |= {"queued_at": told.get("queued_at") or command.ts, "stop": None}
            told |= {"priority": command.priority or 0, "asked_at": command.ts, "withdrawn": False}
        case "cancel_requested" | "pause_requested":
            told |= {"queued_at": None, "stop": "cancel" if command.type == "cancel_requested" else "pause"}
        case "started":
            told |= {"queued_at": None, "worker": command.pid, "boot_id": command.boot_id, "withdrawn": False}
            told |= {"starts": (*told.get("starts", ()), command.pid), "exit_code": None, "message": None}
        case "worker_exited":
            if told.get("worker") is None:
                told["queued_at"] = None
            told |= {"worker": None, "exit_code": command.exit_code, "withdrawn": bool(told.get("queued_at"))}
            told["message"] = command.message
        case _:
            pass


def last_ending(journal: Path, since: str = "") -> tuple[Outcome | None, str | None]:
    """The outcome that the last whole line tells and its cause; None while under way or where the worker died.

    An end from before `since`, when the run was last asked for, is none, unless the chain is complete.
    """
    try:
        with journal.open("rb") as file:
            file.seek(max(journal.stat().st_size - TAIL_BYTES, 0))
            lines = file.read().split(b"\n")[:-1]
        line = json.loads(lines[-1]) if lines else {}
        outcome = OUTCOMES.get(line.get("type", ""))
        if outcome != "finished" and line.get("ts", "") < since:
            return None, None
        return outcome, line.get("payload", {}).get("cause")
    except (OSError, ValueError, TypeError, AttributeError):
        return None, None


def work_folders(lab: Lab) -> list[Path]:
    """The folders of every run, then of every job."""
    return [*run_folders(lab.runs), *run_folders(lab.jobs)]


def run_folders(runs: Path) -> list[Path]:
    """Folders that hold a frozen spec, by name; those being removed are none."""
    return sorted(folder for folder in _folders(runs) if (folder / "spec.json").is_file())


def _folders(runs: Path) -> Iterator[Path]:
    if runs.is_dir():
        yield from (folder for folder in runs.iterdir() if not folder.name.startswith("."))
