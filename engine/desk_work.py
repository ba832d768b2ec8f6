"""A worker at its desk: one run after another in one process, with the models kept loaded between them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.assignments import Desk
from engine.disk import naming_full_disk
from engine.errors import DiskFullError
from engine.kept_models import KeptModels
from engine.safe_point import Stopping
from engine.walking import GPU_FAILED, TERMINATED, attempt, say

LOOK_SECONDS = 0.1
"""Between two looks at an empty desk."""
DEVICE_HELD = 76
"""Exit code of a worker that cannot have its GPU, and of a run that has to go to another worker."""


def work_off(desk: Desk, stopping: Stopping, linger: float) -> int:
    """Work on what is assigned until nothing was for `linger` seconds, or SIGTERM came.

    The caller holds the desk's lock. Each run's exit code goes to the desk; one that failed does not stop the next,
    unless it was the GPU that failed.
    """
    with KeptModels() as models:
        return _until_idle(desk, stopping, linger, models)


def _until_idle(desk: Desk, stopping: Stopping, linger: float, models: KeptModels) -> int:
    idle_since = time.monotonic()
    while not stopping.asked:
        waiting = desk.waiting()
        if waiting:
            with naming_full_disk(desk.folder):
                code = _work_at(waiting[0], stopping, models)
                desk.finish(waiting[0], code)
            if code == GPU_FAILED:
                return _leave(desk)
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since < linger:
            time.sleep(LOOK_SECONDS)
        elif desk.close():
            return 0
    return TERMINATED


def _leave(desk: Desk) -> int:
    """Close the desk; what was assigned meanwhile goes back to the queue."""
    while not desk.close():
        desk.finish(desk.waiting()[0], DEVICE_HELD)
    return GPU_FAILED


def _work_at(run: Path, stopping: Stopping, models: KeptModels) -> int:
    try:
        with naming_full_disk(run), _printing_to(run / "worker.log"):
            return attempt(run, stopping, models)
    except DiskFullError as error:
        say(f"idemtui: {error}")
        return error.exit_code
    except OSError as error:
        say(f"idemtui: {run / 'worker.log'}: {error.strerror}; nothing was done for this run.")
        return 1


@contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    """Send stdout and stderr to the file, also what libraries write past Python."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    kept = os.dup(1), os.dup(2)
    _point_to(log, log)
    os.close(log)
    try:
        yield
    finally:
        _point_to(*kept)
        for fd in kept:
            os.close(fd)


def _point_to(out: int, err: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(out, 1)
    os.dup2(err, 2)
