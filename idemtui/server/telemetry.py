"""Looks at the GPUs while a worker is on one of them, and writes what they do to `telemetry.jsonl`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from engine.errors import IdemtuiError
from engine.lines import append_line
from idemtui.server.devices import DevicesError, Gpu
from store.telemetry import Look

log = logging.getLogger("idemtui.server")
EVERY_SECONDS = 10.0
"""Between two looks: a line of some 130 bytes a device, about 1 MB a day for one that is always at work."""


class Telemetry:
    """One lab's looks."""

    def __init__(self, path: Path, read: Callable[[], list[Gpu]], every_seconds: float = EVERY_SECONDS) -> None:
        self._path, self._read, self._every = path, read, every_seconds
        self._looked_at = -every_seconds

    def look(self, devices: Collection[str]) -> int:
        """Write one line for each of these devices (UUIDs), where it is time; how many were written.

        A driver that does not answer and a disk without room cost a look and nothing else.
        """
        if not devices or time.monotonic() - self._looked_at < self._every:
            return 0
        self._looked_at = time.monotonic()
        try:
            looks = [_look(gpu) for gpu in self._read() if gpu.uuid in devices]
            for line in looks:
                append_line(self._path, line)
        except (DevicesError, IdemtuiError, OSError) as error:
            log.warning("no telemetry: %s", error)
            return 0
        return len(looks)


def _look(gpu: Gpu) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    look = Look(now, gpu.uuid, gpu.utilization, float(gpu.used), gpu.power, gpu.temperature)
    return msgspec.json.encode(look) + b"\n"
