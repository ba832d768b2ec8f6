"""Ending a lab's server, whether or not it answers; its workers are left alone."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from engine.errors import ServerError
from engine.locks import holder_pid
from idemtui.server.start import connect_server
from store.lab import Lab

STOP_SECONDS = 10.0


def stop_server(lab: Lab) -> dict[str, Any]:
    """`stopped`, `pid`, `workers` (pid by run id); returns when the server has let go of the lab."""
    pid = holder_pid(lab.lock)
    if pid is None:
        return {"stopped": False, "pid": None, "workers": {}}
    workers = _ask(lab, pid)
    deadline = time.monotonic() + STOP_SECONDS
    while holder_pid(lab.lock) == pid:
        if time.monotonic() > deadline:
            raise ServerError(f"the lab server (process {pid}) did not end within {STOP_SECONDS:.0f} s; see {lab.log}.")
        time.sleep(0.02)
    return {"stopped": True, "pid": pid, "workers": workers}


def _ask(lab: Lab, pid: int) -> dict[str, int]:
    """Over the socket, or by a signal where nobody answers there: the lock proves whose process id it is."""
    client = connect_server(lab)
    if client is None:
        os.kill(pid, signal.SIGTERM)
        return {}
    with client:
        workers: dict[str, int] = client.command("stop")["workers"]
    return workers
