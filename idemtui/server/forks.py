"""What forks still need of the runs that they come from."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.ancestry import adapters_needed
from engine.errors import IdemtuiError
from engine.run_folder import read_spec
from engine.spec import RunSpec
from idemtui.server.history import run_folders
from store.lab import Lab

log = logging.getLogger("idemtui.server")


@dataclass(frozen=True)
class Fork:
    """One run that goes on from another."""

    run_id: str
    name: str
    parent: str
    at: int


class Forks:
    """The forks of a lab as its specs tell them now; a spec that cannot be read counts by what can be."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._children: dict[str, list[Fork]] = defaultdict(list)
        self._parents: dict[str, Fork] = {}
        for folder in run_folders(lab.runs):
            fork = _read_fork(folder)
            if fork is not None:
                self._children[fork.parent].append(fork)
                self._parents[fork.run_id] = fork

    def keeping(self, run_id: str, leaving: Collection[str] = ()) -> Fork | None:
        """A fork that holds on to a run's cycles and is not itself among those that leave."""
        return next((fork for fork in self._children[run_id] if fork.run_id not in leaving), None)

    def needed_adapters(self, run_id: str) -> frozenset[int]:
        """Cycles of the run's own adapters that forks of it, or forks of those, take."""
        return frozenset(self._needed(run_id, None))

    def _needed(self, run_id: str, at: int | None) -> set[int]:
        """Cycles ≤ `at` (all where None) that descendants through this run take; its own part is cut by the caller."""
        needed: set[int] = set()
        for fork in self._children[run_id]:
            limit = fork.at if at is None else min(at, fork.at)
            needed |= {cycle for cycle in self._takes(fork) if cycle <= limit}
            needed |= self._needed(fork.run_id, limit)
        return needed

    def _takes(self, fork: Fork) -> frozenset[int]:
        try:
            return adapters_needed(read_spec(self._lab.run(fork.run_id)).run, fork.at)
        except IdemtuiError as error:
            log.warning("fork %s keeps every adapter of %s: %s", fork.run_id, fork.parent, error)
            return frozenset(range(fork.at + 1))


def _read_fork(folder: Path) -> Fork | None:
    try:
        spec = json.loads((folder / "spec.json").read_bytes())
        if spec.get("parent_run_id") is None:
            return None
        return Fork(folder.name, str(spec["name"]), str(spec["parent_run_id"]), int(spec["forked_at_cycle"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def own_cycles(spec: RunSpec) -> range:
    """The cycles that a run makes itself."""
    return range(0 if spec.forked_at_cycle is None else spec.forked_at_cycle + 1, spec.run.cycles + 1)
