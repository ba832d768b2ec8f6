"""`transformers serve` in a process of its own: a real server that draws answers and gives no logprobs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def transformers_serve() -> Iterator[str]:
    """The address of one on a free port of loopback; it loads what it is asked for, from this machine alone."""
    program = shutil.which("transformers", path=str(Path(sys.executable).parent))
    assert program is not None
    port = free_port()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        tick = threading.Event()
        while not answers(port):
            assert server.poll() is None, "transformers serve ended"
            tick.wait(0.1)
        yield f"http://127.0.0.1:{port}/v1"
        server.kill()
