"""A shard's own process: `python -m engine.sharded.shard FD`, told what to do through the pipe on that descriptor.

It does what all shards of the model do at the same moment, and lives no longer than the worker that started it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.children import die_with_parent
from engine.errors import IdemtuiError, ShardError
from engine.failures import out_of_memory
from engine.sharded.requests import Failed, Ready, Request, Shard, Start


def main(descriptor: int) -> None:
    """Load the shard, then answer until the pipe ends."""
    die_with_parent()
    pipe: Connection[Any, Any] = Connection(descriptor)
    start = pipe.recv()
    with tempfile.TemporaryDirectory(prefix="idemtui-shard-") as folder:
        try:
            shard = _load(start, Path(folder), pipe)
            pipe.send(Ready())
            while True:
                request: Request = pipe.recv()
                pipe.send(request.do(shard))
        except EOFError:
            return
        except Exception as error:
            print(f"shard {start.rank}: {traceback.format_exc()}", file=sys.stderr, flush=True)
            pipe.send(Failed(_telling(start, error)))


def _load(start: Start, folder: Path, pipe: Connection[Any, Any]) -> Shard:
    from engine.own_model import InProcess
    from engine.sharded.loading import load_shard

    return Shard(InProcess(load_shard(start)), start.rank, folder, pipe.send)


def _telling(start: Start, error: Exception) -> Exception:
    """The error as the worker can have it: our own as they are, others by name and first line."""
    if isinstance(error, IdemtuiError):
        return error
    kind = "OutOfMemoryError" if out_of_memory(error) else type(error).__name__
    first = next(iter(str(error).strip().splitlines()), "")
    return ShardError(f"shard {start.rank + 1} of {start.shards} failed: {kind}: {first}", kind)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    sys.stderr.flush()
    os._exit(0)  # the others may be gone, and libraries would wait for them
