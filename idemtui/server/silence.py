"""Workers that live and say nothing: told once per silence, and taken back by the next event."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idemtui.server.floor import Floor
from idemtui.server.workers import Worker

log = logging.getLogger("idemtui.server")


@dataclass
class _Heard:
    size: int
    at: float
    told: bool = False


class Silence:
    """Listens to the journals of the runs under way."""

    def __init__(self, silent_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = silent_seconds, clock
        self._heard: dict[tuple[str, int], _Heard] = {}

    def listen(self, floor: Floor) -> None:
        """Look at every journal once; write `worker_silent` where one has been still for too long."""
        working = [(worker, worker.run) for worker in floor.workers if worker.run is not None]
        now = self._clock()
        self._heard = {key: self._heard[key] for key in self._keys(working) if key in self._heard}
        for (worker, run), key in zip(working, self._keys(working), strict=True):
            heard = self._heard.setdefault(key, _Heard(_size(run), now - (_age(run) if worker.adopted else 0.0)))
            if _size(run) != heard.size:
                self._heard[key] = _Heard(_size(run), now)
            elif not heard.told and now - heard.at > self._limit:
                heard.told = True
                message = f"no event for {spoken(now - heard.at)}; its process {worker.pid} is {worker.process.state()}"
                floor.ledger.note(run, "worker_silent", message=message)
                log.warning("run %s: %s", run.name, message)

    def seconds(self, worker: Worker) -> float | None:
        """How long a worker has said nothing, None where it has no run."""
        heard = self._heard.get((worker.run.name, worker.pid)) if worker.run else None
        return None if heard is None else round(self._clock() - heard.at, 1)

    def _keys(self, working: list[tuple[Worker, Path]]) -> list[tuple[str, int]]:
        return [(run.name, worker.pid) for worker, run in working]


def spoken(seconds: float) -> str:
    """A duration as people say it: `40 s`, `31 min`, `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _size(run: Path) -> int:
    try:
        return (run / "events.jsonl").stat().st_size
    except OSError:
        return 0


def _age(run: Path) -> float:
    """Seconds since the last event by the clock, 0 where that lies in the future."""
    try:
        return max(time.time() - (run / "events.jsonl").stat().st_mtime, 0.0)
    except OSError:
        return 0.0
