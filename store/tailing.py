"""The ingest thread: opens the database, tails the journals into it, and bears that somebody else holds the file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import duckdb

from engine.errors import IdemtuiError
from store.database import DatabaseHeldError, open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate

log = logging.getLogger(__name__)


class Tail:
    """Polls every `poll_seconds`, or at once when woken; the only writer of the lab's database.

    While another program holds the file, questions raise its name, and ingest catches up once it is free.
    """

    def __init__(self, lab: Lab, poll_seconds: float = 0.3, on_news: Callable[[set[str]], None] | None = None) -> None:
        self.lab = lab
        self.poll_seconds = poll_seconds
        self.on_news = on_news
        self._root: duckdb.DuckDBPyConnection | None = None
        self._ingest: Ingest | None = None
        self._trouble: str | None = None
        self._wake, self._stop, self._polled = threading.Event(), threading.Event(), threading.Condition()
        self._begun = self._ended = 0
        self._version = 0
        self._versions: dict[str, int] = {}
        self._first = 0
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Open the database and begin; LabError where it can never be used, a held file is waited for."""
        try:
            self._open()
        except DatabaseHeldError as error:
            self._trouble = str(error)
        self._thread.start()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one question; raises ServerError while there is no database."""
        if self._root is None:
            raise DatabaseHeldError(self._trouble or f"{self.lab.database} is not open yet.")
        return self._root.cursor()

    def wake(self) -> None:
        """Look at the journals now."""
        self._wake.set()

    def sync(self, timeout: float = 5.0) -> bool:
        """Look at the journals now and wait until that is done; False where it took too long."""
        with self._polled:
            wanted = self._begun + 1
            self._wake.set()
            return self._polled.wait_for(lambda: self._ended >= wanted or self._stop.is_set(), timeout)

    def changes(self, since: int) -> dict[str, object]:
        """The version and the runs with something newer than `since`; all of them where `since` is not of this past."""
        with self._polled:
            known = self._first <= since <= self._version
            runs = sorted(run_id for run_id, version in self._versions.items() if not known or version > since)
            return {"version": self._version, "whole": not known, "runs": runs, "trouble": self._trouble}

    def close(self, timeout: float = 5.0) -> bool:
        """Stop, and release the file; False where the thread did not end in time."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._root is not None and not self._thread.is_alive():
            self._root.close()
            self._root = None
        return not self._thread.is_alive()

    def _open(self) -> None:
        root = open_database(self.lab.database)
        try:
            migrate(root, str(self.lab.database))
            self._ingest = Ingest(root.cursor(), self.lab)
        except BaseException:
            root.close()
            raise
        self._root, self._trouble = root, None
        self._first = self._version = self._ingest.version

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            with self._polled:
                self._begun += 1
            news = self._poll()
            with self._polled:
                self._ended = self._begun
                if news and self._ingest is not None:
                    self._version = max(self._ingest.version, self._version + 1)
                    self._versions |= dict.fromkeys(news, self._version)
                self._polled.notify_all()
            if news and self.on_news is not None:
                self.on_news(set(news))
            self._wake.wait(self.poll_seconds)

    def _poll(self) -> dict[str, int]:
        try:
            if self._ingest is None:
                self._open()
            assert self._ingest is not None
            news = self._ingest.poll_runs()
            self._trouble = None
            return news
        except (IdemtuiError, duckdb.Error, OSError) as error:
            line = " ".join(str(error).split())
            if line != self._trouble:
                log.error("ingest: %s", line)
            self._trouble = line
            return {}
