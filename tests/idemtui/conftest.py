import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.locks import holder_pid
from idemtui.server.options import ServerOptions
from idemtui.server.start import STARTED, ensure_server
from store.client import Client
from store.lab import Lab, create_lab, find_lab

FAKE_WORKER = Path(__file__).parent / "fake_worker.py"
PATIENCE_SECONDS = 120.0


def fake(mode: str, **options: Any) -> ServerOptions:
    """Options of a server whose workers are `fake_worker.py`."""
    return ServerOptions(worker=(sys.executable, str(FAKE_WORKER), mode), **options)


def until(true: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.01)
    return found


@pytest.fixture
def lab_to_write() -> Iterator[Lab]:
    """A lab of one test's own."""
    with lab_on_a_short_path() as lab:
        yield lab


@contextmanager
def lab_on_a_short_path() -> Iterator[Lab]:
    """A lab whose server and workers are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lab"))
    lab = create_lab(find_lab(folder / "lab"))
    yield lab
    for lock in (lab.lock, *lab.root.glob("*/*/worker.lock")):
        _end_holder(lock)
    for server in STARTED:
        server.kill()
        server.wait(PATIENCE_SECONDS)
    shutil.rmtree(folder)


def _end_holder(lock: Path) -> None:
    """Kill who holds a lock and wait until it is gone: until then it writes into its folder."""
    pid = holder_pid(lock)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        until(lambda: holder_pid(lock) is None, f"the end of process {pid}")


@pytest.fixture
def served(lab_to_write: Lab) -> Iterator[Callable[..., Client]]:
    """Starts the lab's server with fake workers and gives its client; may be called again after a kill."""
    clients: list[Client] = []

    def serve(mode: str = "finish", **options: Any) -> Client:
        clients.append(ensure_server(lab_to_write, fake(mode, **options)))
        return clients[-1]

    yield serve
    for client in clients:
        client.close()
