"""The ingest thread: opens the database, tails the journals into it, and bears that somebody else holds the file."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from engine.errors import IdemtuiError, ServerError
from store.database import DatabaseHeldError, open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate

log = logging.getLogger(__name__)


BLOCK_BYTES = 1 << 18
VERDICT_SECONDS = 1.0
"""How long verdicts may keep the journals waiting at a time."""

MOST_WAIT_SECONDS = 10.0
RETRY_SECONDS = 10.0
"""How long a question waits for a file that may be free by now: no longer than until the next try fails."""
FIRST_SECONDS = 5.0
"""How long after the file was opened a question waits until the journals are read."""


class Tail:
    """Polls every `poll_seconds`, or at once when woken; the only writer of the lab's database.

    While another program holds the file, questions raise its name, and ingest catches up once it is free. A database
    that a full disk has made unfit is closed, after `before_closing`, and opened again.
    """

    def __init__(
        self,
        lab: Lab,
        poll_seconds: float = 0.3,
        on_news: Callable[[set[str]], None] | None = None,
        before_closing: Callable[[], None] | None = None,
    ) -> None:
        self.lab = lab
        self.poll_seconds = poll_seconds
        self.on_news = on_news
        self.before_closing = before_closing
        self._root: duckdb.DuckDBPyConnection | None = None
        self._ingest: Ingest | None = None
        self._trouble: str | None = None
        self._doubted = False
        self._wake, self._stop, self._polled = threading.Event(), threading.Event(), threading.Condition()
        self._writing = threading.Lock()
        self._begun = self._ended = 0
        self._opened = 0.0
        self._behind = True
        """Whether nothing was taken in yet since the file was opened."""
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
        """A connection of its own for one question; ServerError while there is none, after one more try."""
        if self._root is None:
            self.sync(RETRY_SECONDS)
        elif self._behind:
            self._wait_for_first_poll()
        if self._root is None:
            raise DatabaseHeldError(self._trouble or f"{self.lab.database} is not open yet.")
        return self._root.cursor()

    def _wait_for_first_poll(self) -> None:
        """A lab opened a moment ago is not shown empty; one whose journals take longer is shown as far as read."""
        with self._polled:
            left = self._opened + FIRST_SECONDS - time.monotonic()
            self._polled.wait_for(lambda: not self._behind or self._stop.is_set(), max(0.0, left))

    def wake(self) -> None:
        """Look at the journals now."""
        self._wake.set()

    def forget(self, run_ids: Iterable[str]) -> None:
        """Delete every row of these runs; ServerError while there is no database to delete from."""
        run_ids = list(run_ids)
        with self._writing:
            if self._ingest is None:
                raise DatabaseHeldError(self._trouble or f"{self.lab.database} is not open yet.")
            try:
                self._ingest.forget(run_ids)
            except duckdb.Error as error:
                self._doubted = True
                raise ServerError(f"{self.lab.database}: {_line(error)}") from None
        self._tell(run_ids)

    def check_soon(self, doubted: bool) -> None:
        """See whether the database is still fit, where a question had to doubt it."""
        if doubted:
            self._doubted = True
            self._wake.set()

    def sync(self, timeout: float = 5.0) -> bool:
        """Look at the journals now and wait until that is done; False where it took too long."""
        with self._polled:
            wanted = self._begun + 1
            self._wake.set()
            return self._polled.wait_for(lambda: self._ended >= wanted or self._stop.is_set(), timeout)

    def changes(self, since: int, wait: float = 0.0) -> dict[str, object]:
        """The version and the runs with something newer than `since`; all of them where `since` is not of this past.

        Where there is nothing new the answer is held back for at most `wait` seconds, MOST_WAIT_SECONDS at most.
        """
        with self._polled:
            self._polled.wait_for(
                lambda: self._version != since or self._trouble is not None or self._stop.is_set(),
                min(wait, MOST_WAIT_SECONDS),
            )
            known = self._first <= since <= self._version
            runs = sorted(run_id for run_id, version in self._versions.items() if not known or version > since)
            return {"version": self._version, "whole": not known, "runs": runs, "trouble": self._trouble}

    def close(self, timeout: float = 5.0) -> bool:
        """Stop, and release the file; False where the thread did not end in time."""
        self._stop.set()
        self._wake.set()
        with self._polled:
            self._polled.notify_all()
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
        self._opened, self._behind = time.monotonic(), True
        self._first = self._version = self._ingest.edition

    def _run(self) -> None:
        woken = True
        while not self._stop.is_set():
            self._wake.clear()
            with self._polled:
                self._begun += 1
            with self._writing:
                news = self._poll(thorough=woken)
            with self._polled:
                self._ended = self._begun
            self._tell(news)
            if news and self.on_news is not None:
                self.on_news(set(news))
            woken = self._wake.wait(self.poll_seconds)

    def _tell(self, run_ids: Iterable[str]) -> None:
        """Let those know who wait for a poll, or ask for changes."""
        run_ids = list(run_ids)
        with self._polled:
            if run_ids and self._ingest is not None:
                self._version = max(self._ingest.edition, self._version + 1)
                self._versions |= dict.fromkeys(run_ids, self._version)
            self._polled.notify_all()

    def _poll(self, *, thorough: bool) -> dict[str, int]:
        try:
            if self._ingest is None:
                self._open()
            assert self._ingest is not None
            if self._doubted:
                self._check()
            news = self._ingest.poll_runs(VERDICT_SECONDS, thorough=thorough)
            self._trouble, self._behind = None, False
            return news
        except (IdemtuiError, duckdb.Error, OSError) as error:
            self._doubted = self._doubted or isinstance(error, duckdb.Error)
            self._report(error)
            if self._doubted and self._ingest is not None:
                self._check_quietly()
            return {}

    def _check(self) -> None:
        assert self._root is not None
        self._root.execute("SELECT count(*) FROM journals").fetchall()
        self._doubted = False

    def _check_quietly(self) -> None:
        """Close a database that no longer answers; the next poll opens it again."""
        try:
            self._check()
        except duckdb.Error:
            log.error("ingest: the database is closed, to be opened again")
            if self.before_closing is not None:
                self.before_closing()
            root, self._root, self._ingest, self._doubted = self._root, None, None, False
            if root is not None:
                with suppress(duckdb.Error):
                    root.close()

    def _report(self, error: Exception) -> None:
        line = _line(error)
        if "No space left on device" in line or _is_full(self.lab.root):
            line = f"no room left on the disk of {self.lab.root}: what runs write is remembered once there is ({line})"
        if line != self._trouble:
            log.error("ingest: %s", line)
        self._trouble = line


def _is_full(folder: Path) -> bool:
    """Whether its disk has no room for even one block of the database, whatever words the failure came in."""
    try:
        return shutil.disk_usage(folder).free < BLOCK_BYTES
    except OSError:
        return False


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
