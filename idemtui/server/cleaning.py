"""`gc`: adapters of finished runs that a policy does not keep and no fork needs.

It is written down before anything goes, so that an adapter that is half gone is one that nobody counts on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import IdemtuiError, UsageError
from engine.run_folder import read_spec
from engine.spec import RunSpec
from idemtui.server.floor import Floor
from idemtui.server.forks import Forks, own_cycles
from idemtui.server.history import run_folders
from idemtui.server.removing import folder_bytes

POLICIES = ("all", "last", "ends")


@dataclass(frozen=True)
class Cleaning:
    """Frees disk in one lab."""

    floor: Floor

    def clean(self, keep: str, *, dry_run: bool = False) -> dict[str, Any]:
        """`runs` (run_id, name, cycles, bytes) and `bytes`; UsageError for an unknown policy."""
        if keep not in POLICIES:
            raise UsageError(f"clean: keep = {keep!r}; allowed are {', '.join(POLICIES)}.")
        with self.floor.lock:
            forks = Forks(self.floor.lab)
            rows = [self._clean_run(folder, keep, forks, dry_run) for folder in run_folders(self.floor.lab.runs)]
        found = [row for row in rows if row is not None]
        return {"runs": found, "bytes": sum(row["bytes"] for row in found)}

    def _clean_run(self, folder: Path, keep: str, forks: Forks, dry_run: bool) -> dict[str, Any] | None:
        if keep == "all" or self.floor.worker_of(folder.name) or self.floor.history(folder).outcome != "finished":
            return None
        try:
            spec = read_spec(folder)
        except IdemtuiError:
            return None
        going = self._beyond(folder, spec, keep, forks)
        if not going:
            return None
        row = {"run_id": folder.name, "name": spec.name, "cycles": sorted(going)}
        size = sum(folder_bytes(path) for path in going.values())
        if not dry_run:
            self.floor.ledger.ask(folder, "adapters_removed", cycles=tuple(sorted(going)))
            for path in going.values():
                _delete(path)
        return {**row, "bytes": size}

    def _beyond(self, folder: Path, spec: RunSpec, keep: str, forks: Forks) -> dict[int, Path]:
        """Adapter folders by cycle that neither the policy keeps nor a fork needs."""
        there = {cycle: folder / f"cycles/{cycle:02d}/adapter" for cycle in own_cycles(spec)}
        there = {cycle: path for cycle, path in there.items() if path.is_dir()}
        last = max(there, default=0)
        kept = {last} | ({0} if keep == "ends" else set()) | forks.needed_adapters(folder.name)
        return {cycle: path for cycle, path in there.items() if cycle not in kept}


def _delete(adapter: Path) -> None:
    """Under another name first: a reader sees a whole adapter or none."""
    going = adapter.with_name(f".{adapter.name}.removed")
    shutil.rmtree(going, ignore_errors=True)
    adapter.rename(going)
    shutil.rmtree(going, ignore_errors=True)
