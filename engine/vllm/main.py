"""vLLM's own process: `python -m engine.vllm.main`, told what to do on stdin, answering on what was its stdout.

It lives no longer than the worker that started it: it dies when stdin ends, also because the worker was killed, and a
guard ends every process that vLLM made. The one room that imports vLLM.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import IO

import msgspec

from engine.children import die_with_parent
from engine.vllm.arguments import environment
from engine.vllm.failing import failed
from engine.vllm.messages import Done, EngineSettings, Failed, Request, Response
from engine.vllm.session import leave_guard

ENDING_SECONDS = 5.0
"""How long vLLM's processes may take to end by themselves after this one."""


def main() -> int:
    """Serve until stdin ends."""
    leave_guard(ENDING_SECONDS)
    inlet, outlet = _private_pipes()
    die_with_parent()
    encoder = msgspec.json.Encoder()
    engine = None
    for request in _requests(inlet):
        response: Response
        try:
            if isinstance(request, EngineSettings):
                os.environ.update(environment(request, dict(os.environ)))
                from engine.vllm.engine import Engine

                engine = Engine(request)
                response = Done(engine.version)
            elif engine is None:
                response = Failed("ValueError", "the first request has to be the settings")
            else:
                response = engine.answer(request)
        except Exception as error:
            response = failed(error)
            print(f"vllm: {error!r}", file=sys.stderr, flush=True)
        outlet.write(encoder.encode(response) + b"\n")
        outlet.flush()
    return 0


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep stdin and stdout for ourselves: what libraries print goes to stderr."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return inlet, outlet


def _requests(inlet: IO[bytes]) -> Iterator[Request]:
    """Requests as they come; a thread watches for the end of stdin while vLLM works."""
    waiting: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        for line in inlet:
            waiting.put(line)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=read, name="requests", daemon=True).start()
    decoder = msgspec.json.Decoder(Request)
    while True:
        yield decoder.decode(waiting.get())


if __name__ == "__main__":
    sys.exit(main())
