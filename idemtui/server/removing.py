"""`rm`: whole runs and jobs go, after their folder was renamed, so that a crash leaves nothing half.

The folder's new name says what was meant; a server that starts finishes what the one before it began.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import IdemtuiError, LabError
from engine.locks import holder_pid
from idemtui.server.floor import Floor
from idemtui.server.forks import Forks

log = logging.getLogger("idemtui.server")
MARK = ".removed-"
Forget = Callable[[list[str]], object]


@dataclass(frozen=True)
class Removing:
    """Removes runs of one lab; `forget` deletes their rows."""

    floor: Floor
    forget: Forget

    def remove(self, run_ids: Sequence[str], *, dry_run: bool = False) -> dict[str, Any]:
        """`removed`, `refused` with reasons, `bytes`; refuses runs under way and runs whose cycles forks need."""
        lab = self.floor.lab
        with self.floor.lock:
            refused = self._refused(list(dict.fromkeys(run_ids)))
            going = [run_id for run_id in dict.fromkeys(run_ids) if run_id not in refused]
            size = sum(folder_bytes(lab.work(run_id)) for run_id in going)
            if not dry_run:
                for run_id in going:
                    self.floor.forget(run_id)
                    self._rename(run_id)
        if not dry_run:
            self.sweep()
        reasons = [{"run_id": run_id, "reason": reason} for run_id, reason in refused.items()]
        return {"removed": going, "refused": reasons, "bytes": size}

    def sweep(self) -> None:
        """Finish every removal that was begun, as far as that goes now; rows first, so that none outlives its file."""
        lab = self.floor.lab
        left = [folder for place in (lab.runs, lab.jobs) for folder in sorted(place.glob(f"{MARK}*"))]
        before, self.floor.unswept = self.floor.unswept, bool(left)
        try:
            if left:
                self.forget([folder.name.removeprefix(MARK) for folder in left])
            for folder in left:
                shutil.rmtree(folder)
                log.info("removed %s", folder.name.removeprefix(MARK))
            self.floor.unswept = False
        except (OSError, IdemtuiError) as error:
            if not before:
                log.error("what was removed is not gone yet: %s; trying again", error)

    def _refused(self, run_ids: list[str]) -> dict[str, str]:
        """Reasons by run; a parent goes only where every fork of it goes too."""
        forks, refused = Forks(self.floor.lab), dict[str, str]()
        for run_id in run_ids:
            if self._under_way(run_id):
                refused[run_id] = "it is under way; cancel it first"
        while True:
            going = {run_id for run_id in run_ids if run_id not in refused}
            kept = {run_id: fork for run_id in going if (fork := forks.keeping(run_id, going)) is not None}
            if not kept:
                return refused
            for run_id, fork in kept.items():
                refused[run_id] = f"{fork.name} ({fork.run_id}) goes on from its cycle {fork.at}; remove that first"

    def _under_way(self, run_id: str) -> bool:
        folder = self.floor.lab.work(run_id)
        return self.floor.worker_of(run_id) is not None or holder_pid(folder / "worker.lock") is not None

    def _rename(self, run_id: str) -> None:
        folder = self.floor.lab.work(run_id)
        try:
            folder.rename(folder.with_name(f"{MARK}{run_id}"))
        except OSError as error:
            raise LabError(f"{folder}: {error.strerror}; it could not be removed.") from None


def folder_bytes(folder: Path) -> int:
    """What the files in a folder take, links left out."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:
                continue
    return total
