"""The processes of one vLLM: a session of their own, ended so that what they share in memory goes with them.

vLLM spread over several shards is a process for each, and they share memory that lies in /dev/shm until somebody
removes it: Python's resource tracker does, a process among them, once it is the last.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

LOOK_SECONDS = 0.05
TRACKER = "multiprocessing.resource_tracker"


def members(session: int) -> list[psutil.Process]:
    """The living processes of a session, without the one that asks."""
    found = []
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            process = psutil.Process(pid)
            if os.getsid(pid) == session and pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(session: int, seconds: float) -> None:
    """End a session: SIGTERM, after `seconds` SIGKILL to all but the tracker, after as many again to all."""
    _signal(members(session), signal.SIGTERM)
    if not _gone(session, seconds):
        _signal((process for process in members(session) if not _tracks(process)), signal.SIGKILL)
        if not _gone(session, seconds):
            _signal(members(session), signal.SIGKILL)


def leave_guard(seconds: float) -> None:
    """Fork a process that waits for the end of this one, the session's leader, and ends what is left of the session.

    Call it before there are threads. Linux tells the guard by closing a pipe, whatever the leader was busy with; that
    the pipe's other end is in no other process is so because shards are not forked.
    """
    leader = os.getpid()
    hears, held = os.pipe()
    if os.fork():
        os.close(hears)
        return
    try:
        os.closerange(0, hears)
        os.closerange(hears + 1, held + 1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.read(hears, 1)
        end(leader, seconds)
    finally:
        os._exit(0)


def _gone(session: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while members(session):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _signal(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _tracks(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(TRACKER in word for word in process.cmdline())
    return False
