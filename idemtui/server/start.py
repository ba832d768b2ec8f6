"""Any client that needs the lab server gets one: the living one, or one started now and left behind."""

from __future__ import annotations

import os
import subprocess
import time

from engine.errors import LabError, ServerError
from idemtui.server.options import ServerOptions
from store.client import Client, connect
from store.lab import Lab, create_lab

START_SECONDS = 10.0
ALREADY_SERVED = 3
"""Exit code of a server process that found another one in its place."""

STARTED: list[subprocess.Popen[bytes]] = []
"""Servers that this process started and leaves behind: kept, so that dead ones are reaped."""


def connect_server(lab: Lab) -> Client | None:
    """A client of the living server, None where nobody answers."""
    if not lab.socket.exists():
        return None
    client = connect(lab)
    if client.served():
        return client
    client.close()
    return None


def ensure_server(lab: Lab, options: ServerOptions | None = None) -> Client:
    """A client of the lab's server, started where none answers; ServerError tells its log's end if it will not."""
    create_lab(lab)
    client = connect_server(lab)
    return client or _start(lab, options or ServerOptions())


def _start(lab: Lab, options: ServerOptions) -> Client:
    deadline = time.monotonic() + START_SECONDS
    seen = lab.log.stat().st_size if lab.log.exists() else 0
    process = spawn_server(lab, options)
    while time.monotonic() < deadline:
        client = connect_server(lab)
        if client is not None:
            return client
        code = process.poll()
        if code == ALREADY_SERVED:
            process = spawn_server(lab, options)
        elif code is not None:
            raise ServerError(f"the lab server of {lab.root} ended with code {code}: {log_tail(lab, seen)}")
        _wait(process)
    raise ServerError(
        f"the lab server of {lab.root} did not answer within {START_SECONDS:.0f} s: {log_tail(lab, seen)}"
    )


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(0.03)
    except subprocess.TimeoutExpired:
        return


def spawn_server(lab: Lab, options: ServerOptions) -> subprocess.Popen[bytes]:
    """Start a server process in a session of its own, its prints in `server.log`."""
    try:
        log = os.open(lab.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise LabError(f"{lab.log}: {error.strerror}; the lab's server cannot run without it.") from None
    try:
        process = subprocess.Popen(
            options.command(lab.root),
            cwd=lab.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
    STARTED[:] = [*(server for server in STARTED if server.poll() is None), process]
    return process


def log_tail(lab: Lab, seen: int = 0) -> str:
    """What the server said last, from byte `seen` of its log on, on one line."""
    try:
        lines = lab.log.read_bytes()[seen:].decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    said = [line.strip() for line in lines if line.strip()]
    return (said[-1] if said else "it said nothing") + f" (all of it in {lab.log})"
