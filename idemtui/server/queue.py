"""The queue's keeper: takes up ends, hears silences, and gives work to those who are free.

Whatever it decides is a line in a run's `commands.jsonl` or a file on a worker's desk; a server that starts reads those
and knows what the one before it knew.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import IdemtuiError
from engine.locks import holder_pid
from idemtui.server.adoption import adopt, take_lone
from idemtui.server.devices import gpus_of
from idemtui.server.disk import Disk
from idemtui.server.ends import reap
from idemtui.server.exits import boot_id
from idemtui.server.floor import Floor, Waiting
from idemtui.server.given import Secrets
from idemtui.server.launcher import Launcher
from idemtui.server.parents import Parents
from idemtui.server.places import Places
from idemtui.server.planning import Asked, Hand, Plan, plan
from idemtui.server.silence import Silence
from idemtui.server.workers import Worker

log = logging.getLogger("idemtui.server")
FOR_LATER = {errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
"""What keeps a worker from starting now and may be over soon."""


@dataclass(frozen=True)
class QueueState:
    """What waits and what runs, for `status`."""

    waiting: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    running: dict[str, int]
    busy: bool
    """Whether anything is left to do, or will be once the disk has room."""


class Queue:
    """Keeps one lab's queue. Safe to call from any thread."""

    def __init__(
        self,
        floor: Floor,
        launcher: Launcher,
        places: Places,
        secrets: Secrets,
        silence: Silence,
        disk: Callable[[], Disk],
    ) -> None:
        self._floor, self._launcher, self._places = floor, launcher, places
        self._secrets, self._silence, self._disk = secrets, silence, disk
        self._parents = Parents(floor)

    def adopt(self) -> None:
        """Take up what the files say."""
        with self._floor.lock:
            adopt(self._floor)

    def tick(self) -> None:
        """Look at everything once and act."""
        with self._floor.lock:
            self._floor.ledger.settle()
            reap(self._floor)
            self._silence.listen(self._floor)
            disk = self._disk()
            if disk.roomy:
                self._go_on_with_room()
            if disk.low:
                for run in self._floor.waiting.values():
                    run.reason = disk.reason
            else:
                self._carry_out(self._plan())
            self._send_home()

    def _go_on_with_room(self) -> None:
        for run_id in sorted(self._floor.for_room):
            folder = self._floor.lab.work(run_id)
            priority = self._floor.history(folder).priority
            try:
                self._floor.wait(run_id, priority)
            except IdemtuiError as error:
                log.error("run %s cannot go on: %s", run_id, error)
                self._floor.for_room.discard(run_id)
                continue
            self._floor.ledger.note(folder, "queued", priority=priority)
            log.info("run %s goes on: the disk has room", run_id)

    def _plan(self) -> Plan:
        floor = self._floor
        asked = [Asked(run.run_id, run.key, run.priority, run.order, self._held(run)) for run in floor.waiting.values()]
        hands = [
            Hand(worker.pid, worker.key, idle=worker.idle and not self._unwanted(worker), leaving=worker.leaving)
            for worker in floor.workers
        ]
        free, full = self._places.free(floor.workers, {run.key.device for run in floor.waiting.values()})
        several = any(run.key.gpus > 1 for run in floor.waiting.values())
        return plan(asked, hands, free, full, self._places.within_reach(floor.workers) if several else 0)

    def _held(self, run: Waiting) -> str | None:
        """Why a run cannot start now whatever is free."""
        if self._floor.worker_of(run.run_id) is not None:
            return "waits for its worker to stop"
        missing = self._secrets.missing(run.key.secrets)
        if missing:
            names = " and ".join(missing)
            return f"waits for {names}; give it with `idemtui resume {run.run_id}` from a shell where it is set"
        return self._parents.awaited(run.run_id)

    def _carry_out(self, made: Plan) -> None:
        workers = {worker.pid: worker for worker in self._floor.workers}
        for run_id, reason in made.reasons.items():
            self._floor.waiting[run_id].reason = reason
        for pid in made.dismissed:
            workers[pid].dismiss()
        for run_id, pid in made.assigned.items():
            self._begin(run_id, lambda pid=pid: workers[pid])  # type: ignore[misc]
        for run_id, device in made.started.items():
            key = self._floor.waiting[run_id].key
            self._begin(run_id, lambda key=key, device=device: self._start(key, device))  # type: ignore[misc]

    def _start(self, key: Any, device: str) -> Worker:
        worker = self._launcher.start(key, device, self._secrets.values(key.secrets))
        self._floor.workers.append(worker)
        log.info("worker %s started on %s for %s", worker.pid, device, key.model)
        return worker

    def _begin(self, run_id: str, find: Callable[[], Worker]) -> None:
        """Give a run to a worker, unless it needs none any more or has one that nobody told of."""
        folder = self._floor.lab.work(run_id)
        history = self._floor.history(folder)
        if history.outcome == "finished" or not folder.is_dir():
            self._floor.forget(run_id)
            return
        if holder_pid(folder / "worker.lock") is not None and take_lone(self._floor, history):
            self._floor.forget(run_id)
            return
        try:
            worker = find()
            if not worker.assign(folder):
                return
        except (OSError, IdemtuiError, ValueError) as error:
            self._could_not_start(run_id, error)
            return
        self._floor.forget(run_id)
        self._floor.ledger.note(folder, "started", pid=worker.pid, boot_id=boot_id(), device=worker.device)
        log.info("run %s: worker %s has it", run_id, worker.pid)

    def _could_not_start(self, run_id: str, error: Exception) -> None:
        log.error("run %s: its worker could not be started: %s", run_id, error)
        if isinstance(error, OSError) and error.errno in FOR_LATER:
            self._floor.waiting[run_id].reason = f"its worker could not be started: {error.strerror}"
            return
        self._floor.forget(run_id)
        message = f"its worker could not be started: {error}"
        self._floor.ledger.note(self._floor.lab.work(run_id), "worker_exited", exit_code=127, message=message)

    def _unwanted(self, worker: Worker) -> bool:
        """Whether a worker takes no further run: its secrets are old, or a person keeps its device free."""
        return worker.stale or any(one in self._places.held for one in gpus_of(worker.device) or [worker.device])

    def _send_home(self) -> None:
        """A worker whose run a person stopped, or that takes no further run, does not linger."""
        for worker in self._floor.workers:
            if worker.leaving or (worker.idle and (worker.let_go or self._unwanted(worker))):
                worker.dismiss()

    def use_new_secrets(self, changed: set[str]) -> None:
        """Workers that were started with an older value take no further run."""
        with self._floor.lock:
            for worker in self._floor.workers:
                worker.stale = worker.stale or bool(changed & set(worker.key.secrets))

    def on_gpus(self) -> set[str]:
        """The GPUs that workers of this server are on, by UUID."""
        with self._floor.lock:
            return {gpu for worker in self._floor.workers if worker.run is not None for gpu in gpus_of(worker.device)}

    def state(self) -> QueueState:
        """What waits, in order and with its reason, and what runs."""
        with self._floor.lock:
            floor = self._floor
            waiting = [{"run_id": run.run_id, "priority": run.priority, "reason": run.reason} for run in floor.queue()]
            workers = [self._row(worker) for worker in floor.workers]
            running = floor.running()
            return QueueState(
                waiting, workers, running, bool(waiting or running or floor.for_room or floor.ledger.owed)
            )

    def _row(self, worker: Worker) -> dict[str, Any]:
        return {
            "pid": worker.pid,
            "run_id": worker.run.name if worker.run else None,
            "device": worker.device,
            "model": worker.key.model,
            "silent_seconds": self._silence.seconds(worker),
            "adopted": worker.adopted,
        }

    def devices(self) -> list[dict[str, Any]]:
        """What `status` shows of the devices."""
        with self._floor.lock:
            return self._places.table(self._floor.workers)
