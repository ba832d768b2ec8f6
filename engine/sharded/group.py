"""The processes that hold one model's shards, as the worker sees them: started, asked and ended together.

They work in step, so what one of them cannot do none can: after any failure, and where the worker stops in the middle
of a request, all are killed, and the next request starts them anew.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from engine.children import close_after, how_ended, relay, wait_for_memory
from engine.errors import IdemtuiError, ShardError
from engine.failures import out_of_memory
from engine.gpus import shown
from engine.model_files import LoadedFiles
from engine.sharded.requests import Failed, Request, Start, Stepped

COMMAND = (sys.executable, "-P", "-m", "engine.sharded.shard")
LOOK_SECONDS = 0.2
"""Between two looks for a reason to stop."""
TELLING_SECONDS = 1.0
"""How long others may take to say what went wrong after one has failed: the first to speak is not always the cause."""
NOT_OURS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables by which libraries would take part in what is in step already."""


@dataclass(frozen=True)
class Sharding:
    """A model over so many processes: GPU by GPU, or on a CPU."""

    model: str
    device: str
    threads: int
    """Of each process."""
    shards: int
    gpus: tuple[str, ...] = ()
    """UUIDs, one a shard; none on a CPU."""


class ShardGroup:
    """A model's shards; started by the first request and again by the first after a failure."""

    def __init__(self, sharding: Sharding) -> None:
        self.sharding = sharding
        self.files = LoadedFiles(sharding.model)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._pipes: list[Connection[Any, Any]] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        """Where they meet, and put what is temporary, for as long as they live."""
        self._relays: list[threading.Thread] = []

    @property
    def lives(self) -> bool:
        """Whether the processes are there."""
        return bool(self._processes)

    @property
    def pids(self) -> list[int]:
        """The processes, by rank."""
        return [process.pid for process in self._processes]

    def ask(
        self,
        request: Request,
        hear: Callable[[Stepped], None] = lambda _: None,
        safe_point: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """What the shards answer, by rank; `hear` gets the first one's steps on the way.

        `safe_point` is called while they work; what it raises ends them. Raises what a shard raised where that is an
        error of ours, else ShardError; ModelError where they are started anew and the model's files are others by then.
        """
        try:
            if not self.lives:
                with self.files.loading():
                    self._start(safe_point)
            for pipe in self._pipes:
                with suppress(OSError):
                    pipe.send(request)
            return self._gather(hear, safe_point)
        except BaseException as error:
            close_after(error, self.close)
            raise

    def close(self) -> None:
        """Kill every shard, and wait until no GPU counts memory to one."""
        pids = self.pids
        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in self._pipes:
            pipe.close()
        for thread in self._relays:
            thread.join(TELLING_SECONDS)
        self._processes, self._pipes, self._relays = [], [], []
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        wait_for_memory(pids, "the model's shards were")

    def _start(self, safe_point: Callable[[], None]) -> None:
        sharding = self.sharding
        self._folder = tempfile.TemporaryDirectory(prefix="idemtui-shards-")
        meeting = str(Path(self._folder.name, "meeting"))
        for rank in range(sharding.shards):
            self._spawn(rank)
            start = Start(
                sharding.model, sharding.device, sharding.threads, rank, sharding.shards, meeting, worker=os.getpid()
            )  # fmt: skip
            with suppress(OSError):
                self._pipes[rank].send(start)
        self._gather(lambda _: None, safe_point)

    def _spawn(self, rank: int) -> None:
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment(rank),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._processes.append(process)
        self._pipes.append(ours)
        assert process.stdout is not None
        self._relays.append(relay(process.stdout))

    def _environment(self, rank: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        kept["OMP_NUM_THREADS"] = str(self.sharding.threads)
        if self._folder is not None:
            kept["TMPDIR"] = self._folder.name
        if not self.sharding.gpus:
            return kept | {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else kept
        return kept | shown([self.sharding.gpus[rank]])

    def _gather(self, hear: Callable[[Stepped], None], safe_point: Callable[[], None]) -> list[Any]:
        """One answer from each."""
        answers: dict[int, Any] = {}
        while len(answers) < len(self._pipes):
            safe_point()
            for rank, message in self._heard(LOOK_SECONDS, answers):
                if isinstance(message, Stepped):
                    hear(message)
                elif isinstance(message, Failed):
                    raise self._cause(rank, message.error, answers)
                else:
                    answers[rank] = message
        return [answers[rank] for rank in range(len(self._pipes))]

    def _heard(self, seconds: float, done: dict[int, Any]) -> list[tuple[int, Any]]:
        """What those say from whom something is still to come."""
        speaking = {pipe: rank for rank, pipe in enumerate(self._pipes) if rank not in done}
        ready = wait(list(speaking), seconds)
        return [(rank, self._message(rank)) for pipe, rank in speaking.items() if pipe in ready]

    def _message(self, rank: int) -> Any:
        try:
            return self._pipes[rank].recv()
        except (EOFError, OSError):
            return Failed(self._ended(rank))

    def _cause(self, rank: int, first: Exception, answers: dict[int, Any]) -> Exception:
        """Of all errors the one that tells most: memory, one of ours, a process gone without a word, then the first."""
        errors, spoken = [first], {**answers, rank: first}
        deadline = time.monotonic() + TELLING_SECONDS
        while len(spoken) < len(self._pipes) and time.monotonic() < deadline:
            for other, message in self._heard(LOOK_SECONDS, spoken):
                if isinstance(message, Failed):
                    spoken[other] = message
                    errors.append(message.error)
        return min(errors, key=_telling_most)

    def _ended(self, rank: int) -> ShardError:
        how = how_ended(self._processes[rank], TELLING_SECONDS)
        return ShardError(
            f"the process of shard {rank + 1} of {self.sharding.shards} ended ({how}); the end of worker.log may say "
            "why; resume the run to go on.",
            "Ended",
        )


def _telling_most(error: Exception) -> int:
    if out_of_memory(error):
        return 0
    if isinstance(error, IdemtuiError) and not isinstance(error, ShardError):
        return 1
    return 2 if getattr(error, "kind", "") == "Ended" else 3
