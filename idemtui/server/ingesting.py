"""The ingest thread: journals are looked at five times a second, and at once when a command has just written one."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import duckdb

from engine.errors import IdemtuiError

if TYPE_CHECKING:
    from store.ingest import Ingest

log = logging.getLogger("idemtui.server")

QUIET_SECONDS = 0.2
TROUBLED_SECONDS = 2.0


class IngestThread:
    """Runs `Ingest.poll` until stopped; an error is logged and tried again, since the journals keep everything."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the poll under way."""
        self._stopping.set()
        self._thread.join()

    def catch_up(self) -> int:
        """Take in what is there now; returns the lines read."""
        with self._lock:
            try:
                return self._ingest.poll()
            except (duckdb.Error, OSError, IdemtuiError) as error:
                log.error("ingest: %s", str(error).splitlines()[0])
                self._stopping.wait(TROUBLED_SECONDS)
                return 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self.catch_up():
                self._stopping.wait(QUIET_SECONDS)
