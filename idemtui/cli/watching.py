"""Looking at runs again and again, through a server that may come and go."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from engine.errors import ServerError
from idemtui.console.facts import Run
from idemtui.console.reader import Reader

if TYPE_CHECKING:
    from store.client import Client
    from store.lab import Lab


class Watch:
    """Some runs of a lab, by id; use as a context."""

    def __init__(self, lab: Lab, run_ids: Sequence[str]) -> None:
        self._run_ids = run_ids
        self._reader = Reader(lab)
        self._version: int | None = None
        self._seen: list[Run] = []

    @property
    def client(self) -> Client:
        """The living client."""
        return self._reader.client()

    def look(self) -> list[Run]:
        """The runs now, in the order asked for; a server that died is replaced once a look."""
        try:
            self._look()
        except ServerError:
            self._reader.disconnect()
            self._version = None
            self._look()
        return self._seen

    def _look(self) -> None:
        """Ask the server first what is new: without one, SQL would answer from a memory that stands still."""
        version = self.client.changes(self._version if self._version is not None else -1).version
        if version == self._version:
            return
        found = {run.run_id: run for run in self._reader.glance().runs}
        self._seen = [found[run_id] for run_id in self._run_ids if run_id in found]
        self._version = version

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
