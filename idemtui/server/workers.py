"""Living workers: at a desk, where they get one run after another, or started by hand on one run folder."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Protocol

from engine.assignments import Desk, Done
from idemtui.server.exits import OomCount, count_ooms
from idemtui.server.model_keys import ModelKey, key_from
from idemtui.server.processes import Process, created_at, find_holder, find_starting

LEAVE_SECONDS = 60.0
"""How long an idle worker that was told to go may take before it is killed: it holds no run."""
NOTE = "worker.json"


class Worker(Protocol):
    """One living worker."""

    process: Process
    key: ModelKey
    device: str
    adopted: bool
    run: Path | None
    """The run folder it works on."""
    leaving: bool
    let_go: bool
    """Whether its last run was stopped by a person, so that it should not linger."""
    stale: bool
    """Whether it should take no further run: what it was started with is no longer what is meant."""
    ooms: OomCount

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def idle(self) -> bool:
        """Whether it could take a run."""

    def assign(self, folder: Path) -> bool:
        """Give it a run; False where it takes no more."""

    def next_done(self) -> Done | None:
        """A run it has let go of that `settle` was not called for."""

    def settle(self) -> None:
        """The end of that run was taken up."""

    def logs(self) -> list[Path]:
        """Where its last words may be: the run's log, then its own."""

    def dismiss(self) -> None:
        """Tell it to go."""

    def clear(self) -> None:
        """It is gone: remove what it leaves behind."""


class DeskWorker:
    """A worker at a desk of this lab."""

    def __init__(
        self, desk: Desk, process: Process, key: ModelKey, device: str, *, taken: int = 0, adopted: bool = False
    ) -> None:
        """`taken`: how many of its runs' ends were recorded before."""
        self.desk, self.process, self.key, self.device, self.adopted = desk, process, key, device, adopted
        self.ooms = count_ooms(process.pid)
        self.leaving = self.let_go = self.stale = False
        self._told_at = 0.0
        self._taken = taken
        self.run: Path | None = next(iter(desk.assigned()[taken:]), None)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def idle(self) -> bool:
        """Whether it could take a run."""
        return self.run is None and not self.leaving

    def assign(self, folder: Path) -> bool:
        """Give it a run; False where it takes no more."""
        if not self.desk.assign(folder):
            self.leaving = True
            return False
        self.run, self.let_go = folder, False
        return True

    def next_done(self) -> Done | None:
        """The first run it has let go of whose end was not taken up."""
        done = self.desk.done()[self._taken :]
        return done[0] if done else None

    def settle(self) -> None:
        """One more end was taken up."""
        self._taken += 1
        self.run = next(iter(self.desk.assigned()[self._taken :]), None)

    def logs(self) -> list[Path]:
        """The run's log, then the desk's."""
        return [*([self.run / "worker.log"] if self.run else []), self.desk.log]

    def dismiss(self) -> None:
        """Tell it to go, and kill it where it has not after a minute without a run."""
        now = time.monotonic()
        if not self.leaving:
            self.leaving, self._told_at = True, now
            self.process.send(signal.SIGTERM)
        elif self._told_at and self.run is None and now - self._told_at > LEAVE_SECONDS:
            self.process.send(signal.SIGKILL)

    def clear(self) -> None:
        """Remove the desk."""
        shutil.rmtree(self.desk.folder, ignore_errors=True)


class LoneWorker:
    """A worker that somebody started on one run folder; it counts, and takes nothing else."""

    def __init__(self, process: Process, run: Path, key: ModelKey) -> None:
        self.process, self.key, self.adopted = process, key, True
        self.run: Path | None = run
        self.device = key.device
        self.ooms = count_ooms(process.pid)
        self.leaving = self.let_go = self.stale = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def idle(self) -> bool:
        """Never."""
        return False

    def assign(self, folder: Path) -> bool:  # noqa: ARG002
        """It takes no more."""
        return False

    def next_done(self) -> Done | None:
        """Its run ends with it."""
        return None

    def settle(self) -> None:
        """Its run ends with it."""

    def logs(self) -> list[Path]:
        """The run's log."""
        return [self.run / "worker.log"] if self.run else []

    def dismiss(self) -> None:
        """It goes by itself."""

    def clear(self) -> None:
        """It leaves nothing behind."""


def write_note(desk: Desk, pid: int, key: ModelKey, device: str) -> None:
    """Write down whose desk it is, for a later server."""
    note = {"pid": pid, "created": created_at(pid), "device": device, "key": key.plain()}
    draft = desk.folder / f".{NOTE}"
    draft.write_text(json.dumps(note))
    draft.rename(desk.folder / NOTE)


def found_at(desk: Desk, taken: int) -> DeskWorker | None:
    """The living worker of a desk that an earlier server opened; None where it is dead."""
    try:
        note = json.loads((desk.folder / NOTE).read_bytes())
        key, device = key_from(note["key"]), str(note["device"])
        process = find_holder(desk.lock) or find_starting(int(note["pid"]), float(note["created"]), desk.lock)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if process is None else DeskWorker(desk, process, key, device, taken=taken, adopted=True)


def desks(folder: Path) -> list[Desk]:
    """All desks of a lab."""
    return [Desk(path) for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []


def last_pid(desk: Desk) -> int | None:
    """The process that held a desk, living or dead."""
    try:
        return int(desk.lock.read_text())
    except (OSError, ValueError):
        pass
    try:
        return int(json.loads((desk.folder / NOTE).read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
