"""The queue: first come, first served, one worker per run, one slot per share of the cores.

Whatever it decides is first a line in the run's `commands.jsonl`; a server that starts reads those lines and knows what
the one before it knew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from engine.commands import append_command
from engine.errors import IdemtuiError
from idemtui.server.history import History, read_history, run_folders
from idemtui.server.workers import Worker
from store.lab import Lab

log = logging.getLogger("idemtui.server")

Answer = Literal["queued", "continued", "already queued", "already running", "already finished"]
Stopped = Literal["cancelled", "stopping", "already finished", "already failed", "already cancelled"]


class Launcher(Protocol):
    """Starts workers and finds those that already live."""

    def start(self, folder: Path) -> Worker:
        """Start one on a run folder."""

    def find(self, folders: list[Path]) -> dict[str, Worker]:
        """Living workers by run id."""


@dataclass(frozen=True)
class QueueState:
    """What waits and what runs, for `status`."""

    waiting: list[str]
    workers: dict[str, int]

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.waiting or self.workers)


class Queue:
    """Waiting runs in order of their asking, and the workers that run now. Safe to call from any thread."""

    def __init__(self, lab: Lab, launcher: Launcher, slots: int, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after something was asked, so that a sleeping keeper looks again."""
        self._lab, self._launcher, self._slots, self._changed = lab, launcher, slots, changed
        self._waiting: list[str] = []
        self._workers: dict[str, Worker] = {}
        self._lock = threading.RLock()
        self._last_queued = 0.0

    def adopt(self) -> None:
        """Take up what the files say: runs that wait, workers that live; record the end of those that died."""
        histories = self._histories()
        open_runs = [h for h in histories if h.worker is not None or h.waiting]
        with self._lock:
            self._workers |= self._launcher.find([self._lab.run(h.run_id) for h in open_runs])
            for history in open_runs:
                self._adopt_one(history)
            queued = sorted((h.queued_at or "", h.run_id) for h in open_runs if h.waiting and not self._begun(h))
            self._waiting = [run_id for _, run_id in queued]

    def _begun(self, history: History) -> bool:
        """Whether a worker took the run up, but its server died before it could write that down."""
        return history.worker is None and history.run_id in self._workers

    def _adopt_one(self, history: History) -> None:
        folder, worker = self._lab.run(history.run_id), self._workers.get(history.run_id)
        if worker is None and history.worker is not None:
            append_command(folder, "worker_exited")
            log.warning("run %s: its worker %s is gone", history.run_id, history.worker)
        elif worker is not None and worker.pid != history.worker:
            append_command(folder, "started", pid=worker.pid)
            log.info("run %s: found its worker %s", history.run_id, worker.pid)

    def _histories(self) -> list[History]:
        histories = []
        for folder in run_folders(self._lab.runs):
            try:
                histories.append(read_history(folder))
            except IdemtuiError as error:
                log.error("%s", error)
        return histories

    def enqueue(self, run_id: str) -> Answer:
        """Ask for a run whose folder exists; a finished, waiting or running one stays as it is."""
        with self._lock:
            history = read_history(self._lab.run(run_id))
            if history.outcome == "finished":
                return "already finished"
            if run_id in self._workers and not history.cancelled:
                return "already running"
            if run_id in self._waiting:
                return "already queued"
            self._write_queued(run_id)
            self._waiting.append(run_id)
        self._changed()
        begun = (self._lab.run(run_id) / "events.jsonl").exists() or history.cancelled
        return "continued" if begun else "queued"

    def _write_queued(self, run_id: str) -> None:
        """Write `queued` at least a millisecond after the last: a new server finds the order by these times."""
        time.sleep(max(self._last_queued + 0.001 - time.monotonic(), 0))
        append_command(self._lab.run(run_id), "queued")
        self._last_queued = time.monotonic()

    def cancel(self, run_id: str) -> Stopped:
        """Take a run out of the queue, or ask its worker to stop at the next safe point."""
        with self._lock:
            history = read_history(self._lab.run(run_id))
            running, waiting = run_id in self._workers, run_id in self._waiting
            if not running and not waiting and (history.outcome or history.cancelled):
                return ENDED[history.outcome or "cancelled"]
            append_command(self._lab.run(run_id), "cancel_requested")
            if waiting:
                self._waiting.remove(run_id)
        self._changed()
        return "stopping" if running else "cancelled"

    def unfinished(self) -> list[str]:
        """Runs that ended before their chain did and that nobody cancelled, oldest question first."""
        state = self.state()
        return [
            history.run_id
            for history in self._histories()
            if history.outcome != "finished"
            and not history.cancelled
            and history.run_id not in state.waiting
            and history.run_id not in state.workers
        ]

    def tick(self) -> None:
        """Record workers that ended, then start as many as there are free slots."""
        with self._lock:
            for run_id, worker in list(self._workers.items()):
                ended = worker.exited()
                if ended is not None:
                    del self._workers[run_id]
                    append_command(self._lab.run(run_id), "worker_exited", exit_code=ended.code)
                    log.info("run %s: worker %s ended with %s", run_id, worker.pid, ended.code)
            while len(self._workers) < self._slots:
                following = self._next()
                if following is None:
                    return
                self._start(following)

    def _next(self) -> str | None:
        """The first waiting run whose earlier worker, asked to stop, has stopped."""
        return next((run_id for run_id in self._waiting if run_id not in self._workers), None)

    def _start(self, run_id: str) -> None:
        folder = self._lab.run(run_id)
        self._waiting.remove(run_id)
        if read_history(folder).outcome == "finished":
            return
        try:
            worker = self._launcher.start(folder)
        except (OSError, IdemtuiError, ValueError) as error:
            log.error("run %s: its worker could not be started: %s", run_id, error)
            append_command(folder, "worker_exited", exit_code=127)
            return
        self._workers[run_id] = worker
        append_command(folder, "started", pid=worker.pid)
        log.info("run %s: worker %s started", run_id, worker.pid)

    def state(self) -> QueueState:
        """What waits, in order, and what runs."""
        with self._lock:
            return QueueState(list(self._waiting), {run_id: worker.pid for run_id, worker in self._workers.items()})


ENDED: dict[str, Stopped] = {
    "finished": "already finished",
    "failed": "already failed",
    "cancelled": "already cancelled",
}
