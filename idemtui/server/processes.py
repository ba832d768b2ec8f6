"""Worker processes as the server sees them: its own children, and those of an earlier server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Protocol

import psutil

from engine.locks import holder_pid
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
    """A process of an earlier server, told from a later one with the same number by the lock that it holds.

    psutil knows it as well, by the time of its start, but not after the clock was set.
    """

    def __init__(self, pid: int, lock: Path, started: psutil.Process | None) -> None:
        self.pid, self._lock, self._started = pid, lock, started

    def exited(self) -> Exit | None:
        """That it ended, or None while it lives."""
        return None if _same(self._started) or holder_pid(self._lock) == self.pid else Exit(None)

    def send(self, number: signal.Signals) -> None:
        """A signal, if it still lives."""
        if self.exited() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def state(self) -> str:
        """What it does now."""
        return process_state(self.pid)


def _same(process: psutil.Process | None) -> bool:
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def find_holder(lock: Path) -> Found | None:
    """The living process that holds a lock."""
    pid = holder_pid(lock)
    return None if pid is None else Found(pid, lock, None)


def find_starting(pid: int, created: float, lock: Path) -> Found | None:
    """A process that may not have taken its lock yet, by its number and the time of its start (within a second)."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1.0 and _same(process):
            return Found(pid, lock, process)
    except psutil.Error:
        pass
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
