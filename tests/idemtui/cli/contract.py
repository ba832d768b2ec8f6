"""A lab server in this process whose store is real and whose queue answers what a test wrote down."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from engine.errors import UsageError
from engine.locks import FileLock
from idemtui.server.options import PROTOCOL
from idemtui.version import VERSION
from store.lab import Lab
from store.service import LabService
from tests.idemtui.annotated import annotate

Fields = dict[str, Any]

STATUS: Fields = {
    "version": VERSION,
    "protocol": PROTOCOL,
    "started_at": "2026-11-21T20:00:00.000+00:00",
    "slots": 2,
    "threads": 1,
    "device": "cpu",
    "idle_seconds": 900.0,
    "ends_in_seconds": None,
    "waiting": [],
    "workers": [],
    "devices": [{"device": "cpu", "name": "cpu", "state": "free", "reason": None}],
    "disk": {"free_bytes": 10**11, "reserve_bytes": 256 * 10**6, "low": False},
    "trouble": None,
    "interrupted": [],
    "secrets": [],
    "settings": {"silent_seconds": 1800.0, "keep": "all"},
}


class ContractServer:
    """Use as a context; `answers` and `status` are what it says, `asked` what it was asked."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.reset()
        self._stack = ExitStack()
        names = ("submit", "pause", "cancel", "resume", "retry", "prioritize", "remove", "clean", "stop")
        commands = {name: self._answering(name) for name in names} | {"status": lambda _: self.status}
        commands["annotate"] = annotate(lab, lambda: self.service)
        self.service = LabService(lab, commands)

    def reset(self) -> None:
        """Agree on nothing yet."""
        self.status: Fields = {**STATUS, "pid": os.getpid(), "lab": str(self.lab.root)}
        self.answers: dict[str, Fields | Exception | Callable[[Fields], Fields]] = {}
        self.asked: list[tuple[str, Fields]] = []

    def _answering(self, name: str) -> Callable[[Fields], Fields]:
        def answer(fields: Fields) -> Fields:
            self.asked.append((name, fields))
            given = self.answers.get(name, UsageError(f"{name}: nothing was agreed."))
            if isinstance(given, Exception):
                raise given
            return given(fields) if callable(given) else given

        return answer

    def __enter__(self) -> ContractServer:
        self._stack.enter_context(FileLock(self.lab.lock, "lab"))
        self.service.start()
        self.service.tail.sync()
        return self

    def __exit__(self, *_: object) -> None:
        self.service.close()
        self._stack.close()
