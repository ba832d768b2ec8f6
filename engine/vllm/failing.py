"""What vLLM raises as the one line that the worker hears, also where it was raised in a shard's process."""

from __future__ import annotations

import re

from pydantic import ValidationError

from engine.failures import NO_MEMORY, first_line
from engine.vllm.messages import Failed

IN_A_SHARD = re.compile(r"Worker failed with error '(.*)', please check the stack trace", re.DOTALL)
SHARD_ENDED = ("Executor failed.", "cancelled")
"""What vLLM says to whoever asks it after one of its processes died."""
NOT_STARTED = "WorkerProc initialization failed"
LOOK = "the end of worker.log may say why"


def failed(error: Exception) -> Failed:
    """The exception's type and first line; `Ended` where vLLM cannot go on, `OutOfMemoryError` of a shard as of any."""
    kind, message = type(error).__name__, str(error)
    if isinstance(error, ValidationError):
        return Failed(kind, "; ".join(_line(problem["loc"], problem["msg"]) for problem in error.errors()))
    if message in SHARD_ENDED:
        return Failed("Ended", f"the process of a shard ended; {LOOK}")
    if message.startswith(NOT_STARTED):
        return Failed(kind, f"a shard did not start; {LOOK}")
    if raised := IN_A_SHARD.search(message):
        message = raised[1]
    if any(said in message.lower() for said in NO_MEMORY):
        kind = "OutOfMemoryError"
    return Failed(kind, first_line(message) or kind)


def _line(where: tuple[int | str, ...], message: str) -> str:
    return ": ".join([*(str(part) for part in where), message])
