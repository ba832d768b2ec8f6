"""One lab's server: queue, keeper and service, put together.

One thread keeps the queue, the one that calls `run` waits for the end. Workers outlive all of it.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from engine.errors import IdemtuiError
from idemtui.server.annotating import Annotating
from idemtui.server.asking import Asking
from idemtui.server.attended import AttendedService
from idemtui.server.cleaning import Cleaning
from idemtui.server.commands import Commands
from idemtui.server.devices import NvmlReader
from idemtui.server.disk import Disk, look_at_disk
from idemtui.server.facts import Facts
from idemtui.server.floor import Floor
from idemtui.server.given import Secrets
from idemtui.server.holds import Holds
from idemtui.server.launcher import ProcessLauncher
from idemtui.server.options import ServerOptions
from idemtui.server.places import Places
from idemtui.server.queue import Queue
from idemtui.server.removing import Removing
from idemtui.server.settings import read_settings
from idemtui.server.silence import Silence
from idemtui.server.telemetry import Telemetry
from store.lab import Lab

log = logging.getLogger("idemtui.server")
TICK_SECONDS = 0.2
LOOK_SECONDS = 1.0


class Server:
    """One lab's server, from lock to end."""

    def __init__(self, lab: Lab, options: ServerOptions) -> None:
        self.lab, self._options = lab, options
        self.settings = options.over(read_settings(lab))
        self._ending, self._tick = threading.Event(), threading.Event()
        self._floor, secrets = Floor(lab), Secrets()
        holds = Holds(lab)
        gpus = NvmlReader()
        self.places = Places(self.settings.slots, self.settings.gpu_free_share, gpus, holds)
        self._telemetry = Telemetry(lab.telemetry, gpus.read)
        launcher = ProcessLauncher(lab.root / "workers", self.settings, options.worker)
        silence = Silence(self.settings.silent_seconds)
        self.queue = Queue(self._floor, launcher, self.places, secrets, silence, self._disk)
        self._asking = Asking(self._floor, changed=self._tick.set)
        self._removing = Removing(self._floor, forget=lambda run_ids: self.service.tail.forget(run_ids))
        facts = Facts(
            self._floor, self.queue, self.places, secrets, self.settings, self._disk, self._ends_in, self._trouble,
            datetime.now(UTC),
        )  # fmt: skip
        commands = Commands(
            lab, self._asking, self.queue, secrets, holds, self._removing, Cleaning(self._floor),
            Annotating(lab, lambda: self.service.tail.cursor()), facts.status, self.end, self._remember,
            self.settings.keep,
        )  # fmt: skip
        self.service = AttendedService(lab, commands.mapping, query_seconds=self.settings.query_seconds)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._said = ""

    def end(self) -> None:
        """Let `run` return soon."""
        self._ending.set()

    def run(self) -> bool:
        """Serve until told to end, idle or bereft of the lab folder; False where a client held up the closing."""
        identity = self.lab.lock.stat().st_ino
        self.queue.adopt()
        try:
            self.service.start()
            self.service.asked_at = time.monotonic()
            self._begin()
            while not self._ending.wait(LOOK_SECONDS):
                if self._idle() or not self._still_there(identity):
                    break
                if self._floor.unswept:
                    self._removing.sweep()
        finally:
            self._ending.set()
            self._tick.set()
            if self._keeper.is_alive():
                self._keeper.join(5.0)
            closed = self.service.close()
        return closed

    def _begin(self) -> None:
        """Finish what an earlier server had begun, go on with what was interrupted where that was asked for."""
        self._removing.sweep()
        for run_id in list(self._floor.interrupted) if self._options.go_on else ():
            try:
                log.info("run %s was interrupted and goes on: %s", run_id, self._asking.enqueue(run_id))
            except IdemtuiError as error:
                log.error("run %s cannot go on: %s", run_id, error)
        self._keeper.start()

    def _disk(self) -> Disk:
        return look_at_disk(self.lab.root, self.settings.disk_reserve_mb)

    def _trouble(self) -> str | None:
        trouble = self.service.tail.changes(0)["trouble"]
        owed = self._floor.ledger.owed
        if owed:
            return f"{owed} lines of commands.jsonl wait for room on the disk"
        return None if trouble is None else str(trouble)

    def _remember(self) -> None:
        """Have ingest read what a command wrote, so that its client sees it in the next answer."""
        self.service.tail.sync()

    def _ends_in(self) -> float | None:
        if self.queue.state().busy:
            return None
        return max(self.settings.idle_seconds - (time.monotonic() - self.service.asked_at), 0.0)

    def _idle(self) -> bool:
        if self.queue.state().busy:
            self.service.asked_at = time.monotonic()
        idle = time.monotonic() - self.service.asked_at
        if idle > self.settings.idle_seconds:
            log.info("idle for %.0f s", idle)
        return idle > self.settings.idle_seconds

    def _still_there(self, identity: int) -> bool:
        try:
            return self.lab.lock.stat().st_ino == identity
        except OSError:
            log.warning("the lab folder is gone")
            return False

    def _keep(self) -> None:
        while not self._ending.is_set():
            try:
                self.queue.tick()
                self._telemetry.look(self.queue.on_gpus())
                self._said = ""
            except Exception as error:
                if str(error) != self._said:
                    log.exception("the queue could not be kept; trying again")
                self._said = str(error)
            self._tick.wait(TICK_SECONDS if self.queue.state().busy else LOOK_SECONDS)
            self._tick.clear()
