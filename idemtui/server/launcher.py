"""Real worker processes for the queue: threads as the run's spec froze them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.errors import JournalError
from idemtui.server.workers import WORKER, Worker, find_workers, start_worker


class ProcessLauncher:
    """Starts `command RUN_FOLDER`, by default the engine's worker."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = tuple(command or WORKER)

    def start(self, folder: Path) -> Worker:
        """Start one on a run folder; JournalError where its spec cannot be read."""
        return start_worker(self._command, folder, frozen_threads(folder))

    def find(self, folders: list[Path]) -> dict[str, Worker]:
        """Living workers by run id."""
        return find_workers(self._command, folders)


def frozen_threads(folder: Path) -> int:
    """The thread count that the run was resolved with."""
    try:
        return max(int(json.loads((folder / "spec.json").read_bytes())["execution"]["threads"]), 1)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{folder / 'spec.json'}: cannot be read ({type(error).__name__}: {error}).") from None
