"""Which files of a lab moved since they were last looked at: a stat per file and poll, no thread, no inotify."""

from __future__ import annotations

import os
from collections.abc import Callable

from store.lab import Lab

FILES = ("spec.json", "commands.jsonl", "events.jsonl")


class Watch:
    """Remembers size and time of every file of runs and jobs; what is new to it is compared with what was ingested."""

    def __init__(self, lab: Lab, ingested: Callable[[str, str], int]) -> None:
        self.lab = lab
        self.ingested = ingested
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def moved(self) -> list[str]:
        """Ids with something new to read, runs before jobs, in order of their names."""
        found = [*_folders(str(self.lab.runs)), *_folders(str(self.lab.jobs))]
        return [work_id for work_id in found if self.look(work_id)]

    def look(self, run_id: str) -> bool:
        """Whether one run has something new; asking again says no until it moves again."""
        moved = [self._moved(run_id, file) for file in FILES]
        return any(moved)

    def forget(self) -> None:
        """Compare everything with what was ingested once more."""
        self._seen.clear()

    def forget_run(self, run_id: str) -> None:
        """Compare one run with what was ingested once more."""
        for file in FILES:
            self._seen.pop((run_id, file), None)

    def _moved(self, run_id: str, file: str) -> bool:
        try:
            stat = os.stat(f"{self.lab.work(run_id)}/{file}")  # noqa: PTH116 (a thousand runs, three times a second)
        except OSError:
            return False
        now = stat.st_size, stat.st_mtime_ns
        before = self._seen.get((run_id, file))
        self._seen[run_id, file] = now
        return before != now if before else stat.st_size != self.ingested(run_id, file)


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
    except FileNotFoundError:
        return []
