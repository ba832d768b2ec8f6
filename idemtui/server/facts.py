"""`status`: everything that the server knows of itself, as one JSON object."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from idemtui.server.disk import Disk
from idemtui.server.floor import Floor
from idemtui.server.given import Secrets
from idemtui.server.options import PROTOCOL
from idemtui.server.places import Places
from idemtui.server.queue import Queue
from idemtui.server.settings import ServerSettings
from idemtui.version import VERSION


@dataclass(frozen=True)
class Facts:
    """What `status` is made of."""

    floor: Floor
    queue: Queue
    places: Places
    secrets: Secrets
    settings: ServerSettings
    disk: Callable[[], Disk]
    ends_in: Callable[[], float | None]
    trouble: Callable[[], str | None]
    started_at: datetime

    def status(self, _: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        state, disk = self.queue.state(), self.disk()
        return {
            "version": VERSION,
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "lab": str(self.floor.lab.root),
            "started_at": self.started_at.astimezone(UTC).isoformat(timespec="seconds"),
            "slots": self.places.count,
            "threads": self.places.threads,
            "device": self.places.device,
            "idle_seconds": _finite(self.settings.idle_seconds),
            "ends_in_seconds": _finite(self.ends_in()),
            "waiting": state.waiting,
            "workers": state.workers,
            "devices": self.queue.devices(),
            "disk": {"free_bytes": disk.free, "reserve_bytes": disk.reserve, "low": disk.low},
            "trouble": self.trouble(),
            "interrupted": self._interrupted(),
            "secrets": self.secrets.names,
            "settings": {**self.settings.model_dump(), "idle_seconds": _finite(self.settings.idle_seconds)},
        }

    def _interrupted(self) -> list[dict[str, str]]:
        with self.floor.lock:
            found = dict(self.floor.interrupted)
        return [{"run_id": run_id, "name": self._name(run_id), "message": message} for run_id, message in found.items()]

    def _name(self, run_id: str) -> str:
        try:
            return str(json.loads((self.floor.lab.work(run_id) / "spec.json").read_bytes())["name"])
        except (OSError, ValueError, KeyError, TypeError):
            return run_id


def _finite(seconds: float | None) -> float | None:
    """JSON knows no infinity: a server that never ends for idleness has no such time."""
    return None if seconds is None or seconds == float("inf") else round(seconds, 1)
