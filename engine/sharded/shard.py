"""A shard's own process: `python -m engine.sharded.shard FD`, told what to do through the pipe on that descriptor.

It does what all shards of the model do at the same moment, and lives no longer than the worker that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

from engine.children import die_with_parent
from engine.errors import IdemtuiError, ShardError
from engine.failures import first_line, out_of_memory
from engine.secrets import hide_secrets
from engine.sharded.requests import Failed, Ready, Request, Shard, Start

THE_WORKERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a terminal, SLURM or systemd sends to every process: the worker answers them, and ends its shards."""


def main(descriptor: int) -> None:
    """Load the shard, then answer until the pipe ends."""
    for number in THE_WORKERS:
        signal.signal(number, signal.SIG_IGN)
    die_with_parent()
    pipe: Connection[Any, Any] = Connection(descriptor)
    start: Start = pipe.recv()
    if os.getppid() != start.worker:
        return  # it ended before this process could be tied to it
    try:
        shard = _load(start, pipe)
        pipe.send(Ready())
        while True:
            request: Request = pipe.recv()
            pipe.send(request.do(shard))
    except EOFError:
        return
    except Exception as error:
        said = hide_secrets(traceback.format_exc())
        print(f"shard {start.rank + 1} of {start.shards}: {said}", file=sys.stderr, flush=True)
        pipe.send(Failed(_telling(start, error)))


def _load(start: Start, pipe: Connection[Any, Any]) -> Shard:
    from engine.own_model import InProcess
    from engine.sharded.loading import load_shard

    return Shard(InProcess(load_shard(start)), start.rank, pipe.send)


def _telling(start: Start, error: Exception) -> Exception:
    """The error as the worker can have it: our own as they are, others by name and first line."""
    if isinstance(error, IdemtuiError):
        return error
    kind = "OutOfMemoryError" if out_of_memory(error) else type(error).__name__
    return ShardError(f"shard {start.rank + 1} of {start.shards} failed: {kind}: {first_line(str(error))}", kind)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    sys.stderr.flush()
    os._exit(0)  # the others may be gone, and libraries would wait for them
