"""What each device does now, for people: memory, how busy it is, and whose processes are on it.

Looked at every few seconds at most, however often `status` is asked: a console that shows these figures is drawn again
no more often than they are taken.
"""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psutil

from idemtui.server.devices import Gpu, GpuProcess

Row = dict[str, Any]
EVERY_SECONDS = 5.0
MOST_PROCESSES = 8
"""Processes that are named on one device, the largest; the others are counted."""


class Figures:
    """The figures of one server's devices. Not safe to call from several threads at once."""

    def __init__(self, every_seconds: float = EVERY_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every_seconds, clock
        self._rows: dict[str, Row] = {}
        self._taken: dict[str, float] = {}
        self._cpu_then: tuple[float, float] | None = None

    def of_gpu(self, gpu: Gpu, pids: Collection[int]) -> Row:
        """A GPU's figures; `pids` are this server's workers, whose children (vLLM) count as theirs."""
        return self._recent(gpu.uuid, lambda: _gpu_row(gpu, pids))

    def of_cpu(self, pids: Collection[int]) -> Row:
        """The machine's memory and cores, and what the workers among `pids` take with the processes they started."""
        return self._recent(f"cpu {sorted(pids)}", lambda: self._cpu_row(pids))

    def _recent(self, key: str, look: Callable[[], Row]) -> Row:
        now = self._clock()
        if now - self._taken.get(key, -self._every) >= self._every:
            self._forget_before(now)
            self._rows[key], self._taken[key] = look(), now
        return self._rows[key]

    def _forget_before(self, now: float) -> None:
        for key in [key for key, taken in self._taken.items() if now - taken > 10 * self._every]:
            del self._taken[key], self._rows[key]

    def _cpu_row(self, pids: Collection[int]) -> Row:
        memory = psutil.virtual_memory()
        started = _started() if pids else {}
        rows = [row for pid in sorted(pids) if (row := _worker_row(pid, started)) is not None]
        return _figures(memory.total - memory.available, memory.total, self._cores_busy(), rows)

    def _cores_busy(self) -> float | None:
        """Percent of this process's cores that were at work since the last look; None at the first."""
        cores = psutil.cpu_times(percpu=True)
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(cores))
        times = [cores[core] for core in allowed if core < len(cores)]
        idle, total = sum(each.idle for each in times), sum(sum(each) for each in times)
        then, self._cpu_then = self._cpu_then, (idle, total)
        if then is None or total <= then[1]:
            return None
        return round(100.0 * (1.0 - float(idle - then[0]) / float(total - then[1])), 1)


def _figures(used: int, total: int, utilization: float | None, processes: list[Row], **more: float | None) -> Row:
    processes = sorted(processes, key=lambda row: -(row["memory"] or 0))
    return {
        "memory_used": used,
        "memory_total": total,
        "utilization": utilization,
        "power": more.get("power"),
        "temperature": more.get("temperature"),
        "processes": processes[:MOST_PROCESSES],
        "more_processes": max(len(processes) - MOST_PROCESSES, 0),
    }


def _gpu_row(gpu: Gpu, pids: Collection[int]) -> Row:
    processes = [process_row(process, started_by(process.pid, pids)) for process in gpu.processes]
    more = {"power": gpu.power, "temperature": gpu.temperature}
    return _figures(gpu.used, gpu.total, gpu.utilization, processes, **more)


def process_row(process: GpuProcess, ours: bool) -> Row:
    """One process on a GPU, and whose it is."""
    user, program = who(process.pid)
    return {"pid": process.pid, "user": user, "program": program, "memory": process.used, "ours": ours}


def _worker_row(pid: int, started: Mapping[int, list[int]]) -> Row | None:
    """A worker on the CPU with its shards, its vLLM and theirs; None where it is gone."""
    memory = _resident(pid)
    if memory is None:
        return None
    waiting = list(started.get(pid, ()))
    while waiting:
        child = waiting.pop()
        memory += _resident(child) or 0
        waiting += started.get(child, ())
    user, program = who(pid)
    return {"pid": pid, "user": user, "program": program, "memory": memory, "ours": True}


def _resident(pid: int) -> int | None:
    """Bytes of a process in memory, what it shares with others among them; None where it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _started() -> dict[int, list[int]]:
    """Who started whom; every process there is is asked, once for all workers."""
    found: dict[int, list[int]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found.setdefault(process.ppid(), []).append(process.pid)
    return found


def started_by(pid: int, pids: Collection[int]) -> bool:
    """Whether a process is one of these, or was started by one; asks of its parents, not of every process there is."""
    if pid in pids:
        return True
    try:
        return any(parent.pid in pids for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return False


def who(pid: int) -> tuple[str | None, str | None]:
    """A process's user and program; None where it cannot be looked at (another container's, another user's)."""
    try:
        process = psutil.Process(pid)
        return _user(process.uids().real), process.name()
    except psutil.Error:
        return None, None


@lru_cache(maxsize=256)
def _user(uid: int) -> str:
    """By name, which a directory of users may take its time to tell; by number where it does not know one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
