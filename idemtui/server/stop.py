"""Ending a lab's server, whether or not it answers; its workers are left alone.

The lock proves whose process id it is: asked first, then SIGTERM, then SIGKILL, which a server bears.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.errors import IdemtuiError, ServerError
from engine.locks import holder_pid
from idemtui.server.start import connect_server, is_stopped
from store.lab import Lab

PATIENCE = {"asked": 15.0, "SIGTERM": 5.0, "SIGKILL": 5.0}
"""Seconds that the server has for each."""


def stop_server(lab: Lab) -> dict[str, Any]:
    """`stopped`, `pid`, `workers` (pid by run id); returns when the server has let go of the lab."""
    pid = holder_pid(lab.lock)
    if pid is None:
        return {"stopped": False, "pid": None, "workers": {}}
    workers = _ask(lab)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("SIGTERM", lambda: os.kill(pid, signal.SIGTERM)),
        ("SIGKILL", lambda: os.kill(pid, signal.SIGKILL)),
    ]
    if is_stopped(lab):
        del steps[0]
    gone = workers is not None and _let_go(lab, pid, PATIENCE["asked"])
    for name, send in steps:
        if not gone and holder_pid(lab.lock) == pid:
            with suppress(ProcessLookupError):
                send()
            gone = _let_go(lab, pid, PATIENCE[name])
    if not gone and holder_pid(lab.lock) == pid:
        raise ServerError(f"the lab server (process {pid}) did not end, not even by SIGKILL; see {lab.log}.")
    if holder_pid(lab.lock) is None:
        lab.socket.unlink(missing_ok=True)
    return {"stopped": True, "pid": pid, "workers": workers or {}}


def _ask(lab: Lab) -> dict[str, int] | None:
    """Over the socket; None where nobody answers there."""
    client = connect_server(lab)
    if client is None:
        return None
    with client:
        try:
            workers: dict[str, int] = client.command("stop")["workers"]
        except IdemtuiError:
            return None
    return workers


def _let_go(lab: Lab, pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while holder_pid(lab.lock) == pid:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
