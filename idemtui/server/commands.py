"""What clients may ask of the server, besides reading: each command takes and gives plain JSON objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from engine.errors import UsageError
from idemtui.server.history import run_folders
from idemtui.server.queue import Queue
from idemtui.server.slots import Slots
from idemtui.server.submission import another, freeze_spec, parse_specs
from store.lab import Lab

Fields = dict[str, Any]


class Commands:
    """The handlers, by name in `mapping`."""

    def __init__(
        self, lab: Lab, queue: Queue, slots: Slots, *, stop: Callable[[], None], remember: Callable[[], None]
    ) -> None:
        """`stop` ends the server; `remember` lets the database catch up with what a command wrote."""
        self._lab, self._queue, self._slots, self._stop, self._remember = lab, queue, slots, stop, remember

    @property
    def mapping(self) -> dict[str, Callable[[Fields], Fields]]:
        """Name → handler, as `store.service` takes them."""
        return {
            "submit": self.submit,
            "cancel": self.cancel,
            "resume": self.resume,
            "status": self.status,
            "stop": self.stop,
        }

    def submit(self, fields: Fields) -> Fields:
        """`specs`: resolved specs; `again`: new runs of the same settings → `runs`: run_id, name, answer."""
        documents = fields.get("specs")
        if not isinstance(documents, list) or not documents:
            raise UsageError("submit: `specs` has to be a list with at least one resolved spec.")
        specs = parse_specs(documents)
        if fields.get("again"):
            specs = [another(spec, self._lab) for spec in specs]
        for spec in specs:
            freeze_spec(spec, self._lab)
        runs = [{"run_id": s.run_id, "name": s.name, "answer": self._queue.enqueue(s.run_id)} for s in specs]
        self._remember()
        return {"runs": runs}

    def cancel(self, fields: Fields) -> Fields:
        """`run_id` → run_id, answer."""
        run_id = self._held(fields)
        answer = self._queue.cancel(run_id)
        self._remember()
        return {"run_id": run_id, "answer": answer}

    def resume(self, fields: Fields) -> Fields:
        """`run_id`, or `all` for every run that ended early and was not cancelled → `runs`: run_id, answer."""
        run_ids = self._queue.unfinished() if fields.get("all") else [self._held(fields)]
        runs = [{"run_id": run_id, "answer": self._queue.enqueue(run_id)} for run_id in run_ids]
        self._remember()
        return {"runs": runs}

    def status(self, _: Fields) -> Fields:
        """The server's own facts: version, pid, slots, threads, waiting run ids, worker pids by run id."""
        state = self._queue.state()
        return {
            "version": version("idemtui"),
            "pid": os.getpid(),
            "lab": str(self._lab.root),
            "slots": self._slots.count,
            "threads": self._slots.threads,
            "waiting": state.waiting,
            "workers": state.workers,
        }

    def stop(self, _: Fields) -> Fields:
        """End the server, not its workers → pid, workers that live on."""
        self._stop()
        return {"pid": os.getpid(), "workers": self._queue.state().workers}

    def _held(self, fields: Fields) -> str:
        run_id = fields.get("run_id")
        if not isinstance(run_id, str) or run_id not in {folder.name for folder in run_folders(self._lab.runs)}:
            raise UsageError(f"no run {run_id!r} in {self._lab.root}; `idemtui ls` names the runs.")
        return run_id
