"""vLLM's process as the worker sees it: started in a session of its own, asked one thing at a time, and gone
with everything it made when it is let go, whatever state it is in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Protocol

import msgspec

from engine.children import ENDING_SECONDS, close_after, how_ended, relay, wait_for_memory
from engine.errors import ServingError
from engine.gpus import shown
from engine.vllm.messages import Done, EngineSettings, Failed, Request, Response
from engine.vllm.session import end, members

PRINTING_SECONDS = 1.0
"""How long the last of what it printed may take to the log."""
COMMAND = (sys.executable, "-P", "-m", "engine.vllm.main")

ON_CPU = {"TORCHDYNAMO_DISABLE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
"""Tests: compiling would take longer than what it speeds up, and cores are shared."""


class Serving(Protocol):
    """An engine that answers: vLLM's process, or a fake."""

    def ask(self, request: Request) -> Response:
        """The answer to one request; ServingError where it failed, or nobody answers any more."""
        ...

    def close(self) -> None:
        """Let go of it; nothing of it is left afterwards."""
        ...


StartServing = Callable[[EngineSettings], Serving]


class EngineProcess:
    """A living vLLM."""

    def __init__(self, settings: EngineSettings) -> None:
        """Start it and wait until its model is loaded; ServingError, saying why, where that fails."""
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (ON_CPU if settings.device == "cpu" else shown(settings.gpus)),
            start_new_session=True,
        )
        assert self._process.stderr is not None
        self._relay = relay(self._process.stderr)
        self._decoder: msgspec.json.Decoder[Response] = msgspec.json.Decoder(Response)
        try:
            started = self.ask(settings)
        except BaseException as error:
            close_after(error, self.close)
            raise
        assert isinstance(started, Done)
        self.version = started.version

    @property
    def pid(self) -> int:
        """The leader of its session."""
        return self._process.pid

    def ask(self, request: Request) -> Response:
        """See `Serving`."""
        inlet, outlet = self._pipes()
        try:
            inlet.write(msgspec.json.encode(request) + b"\n")
            inlet.flush()
        except OSError:
            raise self._ended() from None
        line = outlet.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        response = self._decoder.decode(line)
        if isinstance(response, Failed):
            raise ServingError(f"vLLM: {response.kind}: {response.message}", response.kind)
        return response

    def close(self) -> None:
        """SIGTERM to the session, then SIGKILL, then wait until no GPU holds memory for any of it.

        Raises ProcessError where the driver still counts memory to one of its processes after that.
        """
        pids = {self.pid, *(process.pid for process in members(self.pid))}
        end(self.pid, ENDING_SECONDS)
        self._process.wait()
        for pipe in self._pipes():
            with suppress(OSError):
                pipe.close()
        self._relay.join(PRINTING_SECONDS)
        wait_for_memory(pids, "vLLM was")

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _ended(self) -> ServingError:
        how = how_ended(self._process, ENDING_SECONDS)
        return ServingError(f"vLLM's process ended ({how}); the end of worker.log may say why.", "Ended")
