"""Any client that needs the lab server gets one: the living one, or one started now and left behind.

What stands in the way is repaired and said: a socket that nobody listens on, a server of another version. A server that
holds the lab and does not answer is named, never killed by somebody who only wanted to ask.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from engine.errors import IdemtuiError, LabError, ServerError
from engine.locks import holder_pid
from idemtui.server.options import PROTOCOL, ServerOptions
from idemtui.server.privacy import close_to_others
from idemtui.server.processes import process_state
from idemtui.server.survival import scoped
from idemtui.version import VERSION
from store import client as store_client
from store.client import Client
from store.lab import Lab, create_lab

START_SECONDS = 20.0
DYING_SECONDS = 2.0
"""How long a process that was killed may keep its locks."""
ALREADY_SERVED = 3
"""Exit code of a server process that found another one in its place."""
Notify = Callable[[str], object]

STARTED: list[subprocess.Popen[bytes]] = []
"""Servers that this process started and leaves behind: kept, so that dead ones are reaped."""


def print_to_stderr(line: str) -> None:
    """Tell a person what was repaired."""
    print(f"idemtui: {line}", file=sys.stderr)


def connect_server(lab: Lab) -> Client | None:
    """A client of the living server, None where nobody answers; a stopped process is not waited for."""
    if not lab.socket.exists() or is_stopped(lab):
        return None
    return store_client.connect_server(lab)


def is_stopped(lab: Lab) -> bool:
    """Whether a process holds the lab that was halted (SIGSTOP, a debugger), so that it cannot answer."""
    pid = holder_pid(lab.lock)
    return pid is not None and process_state(pid) in ("stopped", "tracing stop")


def ensure_server(lab: Lab, options: ServerOptions | None = None, notify: Notify = print_to_stderr) -> Client:
    """A client of the lab's server, started where none answers; `notify` is told of every repair, one line each.

    Raises ServerError with its log's end where it will not start, or with its process id where it does not answer.
    """
    create_lab(lab)
    opened = close_to_others(lab)
    if opened:
        notify(opened)
    client = connect_server(lab)
    if client is not None:
        return client if _fits(client, notify) else _replace(client, lab, options, notify)
    _clear_way(lab, notify)
    return _start(lab, options or ServerOptions())


def _fits(client: Client, notify: Notify) -> bool:
    """Whether the server is of this version."""
    try:
        status = client.command("status")
    except IdemtuiError as error:
        notify(f"the lab server could not say what it is ({error}); it is replaced, workers go on.")
        return False
    theirs, ours = (status.get("version"), status.get("protocol", 1)), (VERSION, PROTOCOL)
    if theirs == ours:
        return True
    notify(
        f"the lab server (process {status.get('pid')}) is of version {theirs[0]}, protocol {theirs[1]}; it is replaced "
        f"by one of version {ours[0]}, protocol {ours[1]}, and its workers go on."
    )
    return False


def _replace(client: Client, lab: Lab, options: ServerOptions | None, notify: Notify) -> Client:
    from idemtui.server.stop import stop_server

    client.close()
    stop_server(lab)
    _clear_way(lab, notify)
    return _start(lab, options or ServerOptions())


def _clear_way(lab: Lab, notify: Notify) -> None:
    """Take away a dead socket; wait for a server that is still coming up, name one that hangs."""
    pid = holder_pid(lab.lock)
    deadline = time.monotonic() + DYING_SECONDS
    while pid is not None and process_state(pid) in ("zombie", "dead", "gone") and time.monotonic() < deadline:
        time.sleep(0.01)
        pid = holder_pid(lab.lock)
    if pid is None:
        if lab.socket.exists():
            lab.socket.unlink(missing_ok=True)
            notify(f"{lab.socket} was left by a server that died; it is cleared, and another one is started.")
        return
    if is_stopped(lab):
        raise ServerError(hung(lab, pid))


def hung(lab: Lab, pid: int) -> str:
    """What to say of a server that does not answer."""
    return (
        f"the lab server of {lab.root} (process {pid}, {process_state(pid)}) holds the lab and does not answer; "
        "`idemtui stop` ends it, and its workers go on."
    )


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
            time.sleep(0.05)
            process = spawn_server(lab, options) if holder_pid(lab.lock) is None else process
        elif code is not None:
            raise ServerError(f"the lab server of {lab.root} ended with code {code}: {log_tail(lab, seen)}")
        _wait(process)
    pid = holder_pid(lab.lock)
    if pid is not None and pid != process.pid:
        raise ServerError(hung(lab, pid))
    raise ServerError(
        f"the lab server of {lab.root} did not answer within {START_SECONDS:.0f} s: {log_tail(lab, seen)}"
    )


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(0.03)
    except subprocess.TimeoutExpired:
        return


def spawn_server(lab: Lab, options: ServerOptions) -> subprocess.Popen[bytes]:
    """Start a server process in a session of its own, and a scope where that helps; its prints in `server.log`."""
    try:
        log = os.open(lab.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise LabError(f"{lab.log}: {error.strerror}; the lab's server cannot run without it.") from None
    try:
        process = subprocess.Popen(
            scoped(options.command(lab.root), lab),
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
