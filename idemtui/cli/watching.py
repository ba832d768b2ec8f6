"""Looking at runs again and again, through a server that may come and go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from engine.errors import ServerError
from idemtui.console.facts import Run
from idemtui.console.reader import Reader

if TYPE_CHECKING:
    from store.client import Client
    from store.lab import Lab

PATIENCE_SECONDS = 60.0
"""How long a server may be away, or another program may hold the database, before following ends."""


class Watch:
    """Some runs of a lab, by id; use as a context."""

    def __init__(self, lab: Lab, run_ids: Sequence[str]) -> None:
        self._run_ids = run_ids
        self._reader = Reader(lab)
        self._version: int | None = None
        self._seen = [unmet(run_id) for run_id in run_ids]
        self._answered = time.monotonic()

    @property
    def client(self) -> Client:
        """The living client."""
        return self._reader.client()

    def look(self) -> list[Run]:
        """The runs now, in the order asked for, else as last seen; ServerError after a minute without an answer."""
        try:
            self._look()
            self._answered = time.monotonic()
        except ServerError:
            self._reader.disconnect()
            self._version = None
            if time.monotonic() - self._answered > PATIENCE_SECONDS:
                raise
        return self._seen

    def _look(self) -> None:
        """Ask the server first what is new: without one, SQL would answer from a memory that stands still."""
        version = self.client.changes(self._version if self._version is not None else -1).version
        if version == self._version:
            return
        found = {run.run_id: run for run in self._reader.glance().runs}
        self._seen = [found.get(run_id) or unmet(run_id) for run_id in self._run_ids]
        self._version = version

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()


def unmet(run_id: str) -> Run:
    """A run that was queued and that the store has not read yet."""
    return Run(run_id, "", run_id, "", "queued", "", "", "", "", None, None, cycles=0, seed=0, n_seed=0, n_sampled=0)
