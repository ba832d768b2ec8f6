"""What a waiting fork waits for: the cycle of its parent that it goes on from, where both were queued together."""

from __future__ import annotations

from pathlib import Path

from engine.ancestry import can_begin
from engine.errors import IdemtuiError
from engine.run_folder import read_spec
from engine.spec import RunSpec
from idemtui.server.floor import Floor
from store.lab import is_job


class Parents:
    """Remembers who may begin, and looks again at a parent only when its journal has grown."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._specs: dict[str, RunSpec] = {}
        self._free: set[str] = set()
        self._seen: dict[str, int] = {}
        """Bytes of the parent's journal when the run could not begin yet."""

    def awaited(self, run_id: str) -> str | None:
        """Why a fork cannot begin; None for others, and where waiting would not help: its worker says what is wrong."""
        if run_id in self._free or is_job(run_id):
            return None
        try:
            spec = self._specs.get(run_id) or read_spec(self._floor.lab.run(run_id))
            self._specs[run_id] = spec
            waits = spec.parent_run_id is not None and not self._begins(spec, spec.parent_run_id)
            why = self._told(spec, str(spec.parent_run_id)) if waits else None
        except (IdemtuiError, OSError):
            why = None
        if why is None:
            self._free.add(run_id)
            self._specs.pop(run_id, None)
        return why

    def _begins(self, spec: RunSpec, parent: str) -> bool:
        size = _size(self._floor.lab.run(parent) / "events.jsonl")
        if self._seen.get(spec.run_id) == size:
            return False
        self._seen[spec.run_id] = size
        return can_begin(self._floor.lab.runs, spec)

    def _told(self, spec: RunSpec, parent: str) -> str | None:
        """None where the parent is gone, or finished without that cycle."""
        folder = self._floor.lab.run(parent)
        history = self._floor.history(folder)
        if not folder.is_dir() or history.outcome == "finished":
            return None
        rests = history.resting and parent not in self._floor.waiting and self._floor.worker_of(parent) is None
        stopped = f", which ended before it; `idemtui resume {parent}`" if rests else ""
        return f"waits for cycle {spec.forked_at_cycle} of {read_spec(folder).name}{stopped}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
