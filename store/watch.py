"""Which files of a lab moved since they were last looked at: a stat per file and poll, no thread, no inotify.

A lab of a thousand runs has three thousand such files, nearly all of them finished. A look that is not thorough takes
the folders that are new, those that moved lately, and in turn a share of the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from store.lab import Lab

FILES = ("spec.json", "commands.jsonl", "events.jsonl")
LATELY_SECONDS = 30.0
SHARE = 10
"""Looks until each quiet folder had its turn."""


class Watch:
    """Remembers size and time of every file of runs and jobs; what is new to it is compared with what was ingested."""

    def __init__(self, lab: Lab, ingested: Callable[[str, str], int]) -> None:
        self.lab = lab
        self.ingested = ingested
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self._moved_at: dict[str, float] = {}
        self._paths: dict[tuple[str, str], str] = {}
        self._turn = 0

    def moved(self, *, thorough: bool = True) -> list[str]:
        """Ids with something new to read, runs before jobs, in order of their names."""
        found = [*_folders(self.lab.runs), *_folders(self.lab.jobs)]
        self._turn += 1
        lately = time.monotonic() - LATELY_SECONDS
        return [
            work_id
            for place, work_id in enumerate(found)
            if (thorough or (place + self._turn) % SHARE == 0 or self._moved_at.get(work_id, lately) >= lately)
            and self.look(work_id)
        ]

    def look(self, run_id: str) -> bool:
        """Whether one run has something new; asking again says no until it moves again."""
        moved = [self._moved(run_id, file) for file in FILES]
        if any(moved):
            self._moved_at[run_id] = time.monotonic()
        self._moved_at.setdefault(run_id, 0.0)
        return any(moved)

    def forget(self) -> None:
        """Compare everything with what was ingested once more."""
        self._seen.clear()
        self._moved_at.clear()

    def forget_run(self, run_id: str) -> None:
        """Compare one run with what was ingested once more."""
        for file in FILES:
            self._seen.pop((run_id, file), None)

    def _moved(self, run_id: str, file: str) -> bool:
        # Strings, not Paths: a hundred runs and more, three times a second.
        path = self._paths.get((run_id, file)) or self._paths.setdefault(
            (run_id, file), str(self.lab.work(run_id) / file)
        )
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError:
            return False
        now = stat.st_size, stat.st_mtime_ns
        before = self._seen.get((run_id, file))
        self._seen[run_id, file] = now
        return before != now if before else stat.st_size != self.ingested(run_id, file)


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted([entry.name for entry in entries if entry.name[0] != "." and entry.is_dir()])
    except FileNotFoundError:
        return []
