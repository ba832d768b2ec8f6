"""Worker processes: started with exec, left alone when the server goes, found again when it comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from engine.locks import holder_pid

WORKER = (sys.executable, "-P", "-m", "engine.worker")
"""The command that is given a run folder; tests pass another."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Exit:
    """How a worker ended; the code is unknown where it was not this server's child."""

    code: int | None


class Worker(Protocol):
    """One living worker process."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def exited(self) -> Exit | None:
        """How it ended, or None while it lives."""


class Child:
    """A worker that this server started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def exited(self) -> Exit | None:
        """How it ended, or None while it lives."""
        code = self._process.poll()
        return None if code is None else Exit(code)


class Adopted:
    """A worker of an earlier server; psutil tells it from a later process with the same number."""

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


def start_worker(command: Sequence[str], folder: Path, threads: int) -> Worker:
    """Start one worker on one run folder, detached from this server's session, its prints in `worker.log`.

    Where a process holds the run already, that one is the worker.
    """
    holder = holder_pid(folder / "worker.lock")
    if holder is not None and psutil.pid_exists(holder):
        return Adopted(psutil.Process(holder))
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
    descriptor = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [*command, str(folder)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    return Child(process)


def find_workers(command: Sequence[str], folders: Iterable[Path]) -> dict[str, Worker]:
    """Living workers of these run folders, by run id; their command line ends in program and folder."""
    wanted = {str(folder): folder.name for folder in folders}
    found: dict[str, Worker] = {}
    if not wanted:
        return found
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if len(line) < 2 or line[-1] not in wanted or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if command[-1] in line[:-1]:
            found[wanted[line[-1]]] = Adopted(process)
    return found
