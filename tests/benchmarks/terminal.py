"""A program in a terminal of its own, and what it costs: bytes to the terminal, seconds to a settled picture, memory.

A picture is settled at the last byte before the terminal was still for `STILL_SECONDS`; what a program draws late, such
as a text beside a list, counts.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

WIDTH, HEIGHT = 140, 45
STILL_SECONDS = 0.25
ESCAPE = re.compile(rb"\x1b(?:\[[0-9;?>$]*[a-zA-Z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")


@dataclass
class Screen:
    """What came from one program since it was started."""

    process: subprocess.Popen[bytes]
    out: int
    started: float
    text: bytes = b""
    """Everything since `mark`, escape sequences and all."""
    last: float = 0.0
    """When the last byte came."""
    sent: int = field(default=0)

    def read(self, seconds: float) -> bool:
        """Take what comes within some seconds; False where nothing did."""
        ready, _, _ = select.select([self.out], [], [], seconds)
        if not ready:
            return False
        try:
            chunk = os.read(self.out, 1 << 16)
        except OSError:
            raise AssertionError(f"the program has ended: {self.words()[-400:]!r}") from None
        self.last = time.monotonic()
        self.text += chunk
        self.sent += len(chunk)
        return True

    def words(self) -> str:
        """What came since `mark`, without escape sequences."""
        return ESCAPE.sub(b"", self.text).decode(errors="replace")

    def sees(self, *wanted: str, patience: float = 60.0) -> float:
        """Wait until all of these came; returns seconds since the program was started or a key pressed."""
        deadline = time.monotonic() + patience
        while not all(word in (words := self.words()) for word in wanted):
            assert time.monotonic() < deadline, f"{wanted} did not come but {words[-600:]!r}"
            self.read(0.2)
        return self.last - self.started

    def still(self, patience: float = 60.0) -> float:
        """Wait until nothing more comes; returns the seconds until the last byte."""
        deadline = time.monotonic() + patience
        while self.read(STILL_SECONDS):
            assert time.monotonic() < deadline, "the terminal is never still"
        return self.last - self.started

    def press(self, keys: str) -> None:
        """Type; what came before is forgotten."""
        self.text, self.started = b"", time.monotonic()
        self.last = self.started
        os.write(self.out, keys.encode())

    def key(self, keys: str) -> float:
        """Seconds from a key to the settled picture; a key that changes nothing is none to measure."""
        while self.read(0.0):
            pass
        self.press(keys)
        assert self.read(5.0), f"{keys!r} drew nothing"
        return self.still()

    def rest(self, seconds: float) -> tuple[float, float]:
        """Bytes a second to the terminal and % of a core, while nothing is touched."""
        sent, worked, began = self.sent, self.cpu(), time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            self.read(left)
        passed = time.monotonic() - began
        return (self.sent - sent) / passed, 100 * (self.cpu() - worked) / passed

    def cpu(self) -> float:
        """Seconds of a core, of the program and what it started."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.processes()))

    def resident_mb(self) -> float:
        """Resident memory of the program and what it started, in MB."""
        return sum(each.memory_info().rss for each in self.processes()) / 1e6

    def processes(self) -> list[psutil.Process]:
        """The program and what it started."""
        started = psutil.Process(self.process.pid)
        return [started, *started.children(recursive=True)]


@contextmanager
def opened(command: Sequence[str | Path], **environment: str) -> Iterator[Screen]:
    """Start a program in a terminal of WIDTH × HEIGHT; it is killed at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **environment}
    started = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command], stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    screen = Screen(process, ours, started)
    try:
        yield screen
    finally:
        for each in screen.processes():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
        os.close(ours)


def p(share: float, values: Sequence[float]) -> float:
    """A percentile of some values."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
