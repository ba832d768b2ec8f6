"""Which files of a lab moved since they were last looked at: a stat per file and poll, no thread, no inotify."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

FILES = ("spec.json", "commands.jsonl", "events.jsonl")


class Watch:
    """Remembers size and time of every run file; what it has not seen yet is compared with what was ingested."""

    def __init__(self, runs: Path, ingested: Callable[[str, str], int]) -> None:
        self.runs = runs
        self.ingested = ingested
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def moved(self) -> list[str]:
        """Run ids with something new to read, in order of their names."""
        try:
            with os.scandir(self.runs) as entries:
                run_ids = sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
        except FileNotFoundError:
            return []
        return [run_id for run_id in run_ids if self.look(run_id)]

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
            stat = os.stat(f"{self.runs}/{run_id}/{file}")  # noqa: PTH116 (a thousand runs, three times a second)
        except OSError:
            return False
        now = stat.st_size, stat.st_mtime_ns
        before = self._seen.get((run_id, file))
        self._seen[run_id, file] = now
        return before != now if before else stat.st_size != self.ingested(run_id, file)
