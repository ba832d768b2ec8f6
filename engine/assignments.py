"""A worker's desk: the folder through which a worker that keeps its models loaded is given one run after another.

    worker.lock       held by the worker while it lives; names its process
    assigned.jsonl    {"run": "/absolute/run/folder"}             written by whoever gives it work
    done.jsonl        {"run": "/absolute/run/folder", "code": 0}  written by the worker, one line a run
    worker.log        what it prints outside any run

Only files, so a worker outlives the server that started it, and the next server finds both. A desk is closed by its
worker, under the lock of `assigned.jsonl`: what was assigned before is done first, what comes later is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.lines import append_line
from engine.locks import holder_pid


@dataclass(frozen=True)
class Done:
    """A run that the worker has let go of, and its exit code as a process of its own would have had it."""

    run: Path
    code: int


class Desk:
    """Both sides of one desk; `folder` is made by `open_desk`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock, self.log = folder / "worker.lock", folder / "worker.log"
        self._assigned, self._done = folder / "assigned.jsonl", folder / "done.jsonl"

    def assign(self, run: Path) -> bool:
        """Give the worker a run; False where the desk is closed, so that another worker has to take it."""
        try:
            with _locked(self._assigned):
                if not self._assigned.exists():
                    return False
                append_line(self._assigned, _line(run=str(run)))
        except FileNotFoundError:
            return False
        return True

    def assigned(self) -> list[Path]:
        """The runs given so far, in order."""
        return [Path(line["run"]) for line in _lines(self._assigned) or _lines(self._closed)]

    def finish(self, run: Path, code: int) -> None:
        """The worker's word that it has let go of a run."""
        append_line(self._done, _line(run=str(run), code=code))

    def done(self) -> list[Done]:
        """The runs that the worker has let go of, in order: always the first of those assigned."""
        return [Done(Path(line["run"]), int(line["code"])) for line in _lines(self._done)]

    def waiting(self) -> list[Path]:
        """Assigned and not done: the one under way, and any after it."""
        return self.assigned()[len(self.done()) :]

    def close(self) -> bool:
        """Accept no more runs; False where one is still waiting."""
        with _locked(self._assigned):
            if self.waiting():
                return False
            self._assigned.rename(self._closed)
        return True

    def holder(self) -> int | None:
        """The living worker's process id."""
        return holder_pid(self.lock)

    @property
    def _closed(self) -> Path:
        return self.folder / "assigned.closed"


def open_desk(folder: Path) -> Desk:
    """A new, empty desk."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / "assigned.jsonl").touch(mode=0o600)
    return Desk(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
