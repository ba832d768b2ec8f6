"""The lab server: `python -m idemtui.server.main --lab PATH`, one per lab, started on demand, gone when idle.

The lock on the lab comes first, then the queue as the files tell it, then the service (database, ingest, socket). One
thread keeps the queue, this one waits for the end. Workers outlive all of it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from engine.errors import IdemtuiError, LockedError
from engine.locks import FileLock
from idemtui.server.commands import Commands
from idemtui.server.launcher import ProcessLauncher
from idemtui.server.options import ServerOptions, parse_options
from idemtui.server.queue import Queue
from idemtui.server.slots import share_cores
from idemtui.server.start import ALREADY_SERVED
from store.lab import Lab, create_lab, find_lab
from store.service import LabService

log = logging.getLogger("idemtui.server")

TICK_SECONDS = 0.2
LOOK_SECONDS = 1.0
Announce = Callable[[str], object]


class AttendedService(LabService):
    """A service that knows when it was last asked anything."""

    asked_at = 0.0

    def ask(self, ticket: dict[str, Any]) -> Any:
        """Answer a question."""
        self.asked_at = time.monotonic()
        return super().ask(ticket)

    def act(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Carry out a command."""
        self.asked_at = time.monotonic()
        return super().act(name, arguments)


class Server:
    """One lab's server, from lock to end."""

    def __init__(self, lab: Lab, options: ServerOptions) -> None:
        self.lab = lab
        self.slots = share_cores(options.slots)
        self._idle_seconds = options.idle_seconds
        self._ending, self._tick = threading.Event(), threading.Event()
        launcher = ProcessLauncher(options.worker)
        self.queue = Queue(lab, launcher, self.slots.count, changed=self._tick.set)
        commands = Commands(lab, self.queue, self.slots, stop=self.end, remember=self._remember)
        self.service = AttendedService(lab, commands.mapping)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

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
            self._keeper.start()
            while not self._ending.wait(LOOK_SECONDS):
                if self._idle() or not self._still_there(identity):
                    break
        finally:
            self._ending.set()
            self._tick.set()
            if self._keeper.is_alive():
                self._keeper.join(5.0)
            closed = self.service.close()
        return closed

    def _remember(self) -> None:
        """Have ingest read what a command wrote, so that its client sees it in the next answer."""
        self.service.tail.sync()

    def _idle(self) -> bool:
        if self.queue.state().busy:
            self.service.asked_at = time.monotonic()
        idle = time.monotonic() - self.service.asked_at
        if idle > self._idle_seconds:
            log.info("idle for %.0f s", idle)
        return idle > self._idle_seconds

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
            except (OSError, IdemtuiError):
                log.exception("the queue could not be kept; trying again")
            self._tick.wait(TICK_SECONDS if self.queue.state().busy else LOOK_SECONDS)
            self._tick.clear()


def serve_lab(lab: Lab, options: ServerOptions, announce: Announce) -> int:
    """Serve until SIGTERM, SIGINT, `stop` or idleness; LockedError where the lab has a server."""
    create_lab(lab)
    with FileLock(lab.lock, f"lab {lab.root}"):
        server = Server(lab, options)

        def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
            server.end()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, end)
        announce(
            f"Serving {lab.root} as process {os.getpid()}: {server.slots.count} workers side by side, "
            f"{server.slots.threads} threads each."
        )
        closed = server.run()
        announce("Ended; workers go on.")
    if not closed:
        sys.stdout.flush()
        os._exit(0)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """A detached server process; its prints are `server.log`."""
    path, options = parse_options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    try:
        return serve_lab(find_lab(Path(path)), options, announce=log.info)
    except LockedError:
        return ALREADY_SERVED
    except IdemtuiError as error:
        print(f"idemtui: {error}", flush=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
