"""Worker processes as the server sees them: its own children, and those of an earlier server."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from pathlib import Path
from typing import Protocol

import psutil

from idemtui.server.exits import Exit

OOM_SCORE = 500
"""Where memory runs out the kernel takes a worker before the server or somebody's shell."""


class Process(Protocol):
    """One process that may have ended."""

    @property
    def pid(self) -> int:
        """Its number."""

    def exited(self) -> Exit | None:
        """How it ended, or None while it lives."""

    def send(self, number: signal.Signals) -> None:
        """A signal, if it still lives."""

    def state(self) -> str:
        """What it does now: running, sleeping, disk sleep, stopped."""


class Child:
    """A process that this server started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/oom_score_adj").write_text(str(OOM_SCORE))

    def exited(self) -> Exit | None:
        """How it ended, or None while it lives."""
        code = self._process.poll()
        return None if code is None else Exit(code)

    def send(self, number: signal.Signals) -> None:
        """A signal, if it still lives."""
        self._process.send_signal(number)

    def state(self) -> str:
        """What it does now."""
        return process_state(self.pid)


class Found:
    """A process of an earlier server; psutil tells it from a later one with the same number."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.pid: int = process.pid

    def exited(self) -> Exit | None:
        """That it ended, or None while it lives."""
        try:
            if self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            pass
        return Exit(None)

    def send(self, number: signal.Signals) -> None:
        """A signal, if it still lives."""
        with contextlib.suppress(psutil.Error):
            self._process.send_signal(number)

    def state(self) -> str:
        """What it does now."""
        return process_state(self.pid)


def find_process(pid: int | None, created: float | None = None) -> Found | None:
    """The living process of that number, and of that creation time where it is given (within a second)."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        if created is not None and abs(process.create_time() - created) > 1.0:
            return None
        return Found(process) if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def created_at(pid: int) -> float | None:
    """When a process began, in seconds of the clock; None where it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def process_state(pid: int) -> str:
    """What a process does now: running, sleeping, disk sleep, stopped, or gone."""
    try:
        return str(psutil.Process(pid).status()).replace("-", " ")
    except psutil.Error:
        return "gone"
