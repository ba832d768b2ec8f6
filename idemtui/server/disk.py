"""Whether the lab's disk has room: below the reserve nothing is started, above twice the reserve paused runs go on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True)
class Disk:
    """Free space and what is kept of it, in bytes."""

    free: int
    reserve: int

    @property
    def low(self) -> bool:
        """Whether no worker may be started."""
        return self.free < self.reserve

    @property
    def roomy(self) -> bool:
        """Whether runs that the disk paused can go on."""
        return self.free > 2 * self.reserve

    @property
    def reason(self) -> str:
        """Why a run waits for it."""
        return f"the disk has {self.free // MB} MB free, {self.reserve // MB} MB are kept free"


def look_at_disk(folder: Path, reserve_mb: int) -> Disk:
    """The disk that holds the folder, now."""
    return Disk(shutil.disk_usage(folder).free, reserve_mb * MB)
