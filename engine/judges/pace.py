"""When a server may be asked: no more requests a minute than wanted, and later where it says that it is too much."""

from __future__ import annotations

import threading
import time

LONGEST_BACKOFF = 30.0
LONGEST_WISH = 600.0
"""Seconds of a `Retry-After` that are waited for; a run whose server asks for more is better resumed later."""


class Pace:
    """Spaces the requests of all threads; whoever waits is woken when the judging is given up."""

    def __init__(self, per_minute: float | None, first_backoff: float = 0.5) -> None:
        self.given_up = threading.Event()
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._first_backoff = first_backoff
        self._lock = threading.Lock()
        self._next = 0.0

    def turn(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._apart
        self.wait(at - now)

    def put_off(self, seconds: float) -> None:
        """Nobody asks for so long: the server wants it."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def backoff(self, failures: int) -> float:
        """Seconds before the next try after so many failures in a row."""
        return float(min(LONGEST_BACKOFF, self._first_backoff * 2 ** (failures - 1)))

    def wait(self, seconds: float) -> None:
        """Sleep, unless the judging is given up; then raise GivenUp."""
        if self.given_up.wait(max(seconds, 0.0)) if seconds > 0 else self.given_up.is_set():
            raise GivenUp


class GivenUp(Exception):  # noqa: N818
    """The judging was stopped while this request waited."""
