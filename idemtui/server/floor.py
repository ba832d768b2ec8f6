"""What the queue knows now: runs and jobs that wait, workers that live, what was found dead. All else is in files."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import IdemtuiError
from idemtui.server.history import History, read_history, work_folders
from idemtui.server.ledger import Ledger
from idemtui.server.model_keys import ModelKey, read_key
from idemtui.server.workers import Worker
from store.lab import Lab

log = logging.getLogger("idemtui.server")


@dataclass
class Waiting:
    """One run or job in the queue."""

    run_id: str
    key: ModelKey
    priority: int
    order: int
    """Its place among all that were asked for, whatever the clock did."""
    reason: str = "waits for a free slot"


@dataclass
class Floor:
    """One lab's queue in memory; whoever touches it holds `lock`."""

    lab: Lab
    ledger: Ledger = field(default_factory=Ledger)
    lock: threading.RLock = field(default_factory=threading.RLock)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    for_room: set[str] = field(default_factory=set)
    """Runs that the disk paused and nobody else."""
    interrupted: dict[str, str] = field(default_factory=dict)
    """Why, by run, for those that this server found dead when it started."""
    unswept: bool = False
    """Whether a removal was begun that could not be finished yet."""
    _last_order: int = 0

    def wait(self, run_id: str, priority: int, order: int | None = None) -> None:
        """Put a run into the queue, at its end unless its old place is given; JournalError without a readable spec."""
        key = read_key(self.lab.work(run_id))
        if order is None:
            self._last_order = order = self._last_order + 1
        self.waiting[run_id] = Waiting(run_id, key, priority, order)
        self.for_room.discard(run_id)
        self.interrupted.pop(run_id, None)

    def forget(self, run_id: str) -> Waiting | None:
        """Take a run out of the queue and of all that goes on by itself."""
        self.for_room.discard(run_id)
        self.interrupted.pop(run_id, None)
        return self.waiting.pop(run_id, None)

    def worker_of(self, run_id: str) -> Worker | None:
        """Who works on a run."""
        return next((worker for worker in self.workers if worker.run == self.lab.work(run_id)), None)

    def running(self) -> dict[str, int]:
        """Worker's process id by run id."""
        return {worker.run.name: worker.pid for worker in self.workers if worker.run is not None}

    def queue(self) -> list[Waiting]:
        """What waits, first come first."""
        return sorted(self.waiting.values(), key=lambda run: (-run.priority, run.order))

    def histories(self) -> list[History]:
        """Every run and job of the lab that can be read."""
        histories = []
        for folder in work_folders(self.lab):
            try:
                histories.append(read_history(folder))
            except (IdemtuiError, OSError) as error:
                log.error("%s", error)
        return histories

    def history(self, folder: Path) -> History:
        """One run, as far as it can be read."""
        try:
            return read_history(folder)
        except (IdemtuiError, OSError) as error:
            log.error("%s", error)
            return History(folder.name)
