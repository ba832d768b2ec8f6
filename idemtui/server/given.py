"""Secrets that people gave: names anywhere, values in this process's memory and its workers' environments only."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable

from engine.errors import UsageError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = re.compile(r"LD_.*|DYLD_.*|PYTHON.*|PATH|HOME|IDEMTUI_.*|CUDA_VISIBLE_DEVICES")


class Secrets:
    """Values by name; what was not given may stand in the environment that the server was started with."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.names)})"

    def give(self, values: object) -> set[str]:
        """Keep these; the names whose value changed. UsageError for what is no object of texts."""
        if not isinstance(values, dict) or not all(isinstance(value, str) and value for value in values.values()):
            raise UsageError("secrets: an object of NAME: value is needed, every value a text that is not empty.")
        for name in values:
            if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
                raise UsageError(f"secrets: {name!r} cannot be the name of a secret: letters, digits and _.")
            if "\0" in values[name]:
                raise UsageError(f"secrets: the value of {name} holds a zero byte, which no environment can.")
        with self._lock:
            changed = {name for name, value in values.items() if self._value(name) != value}
            self._given |= values
        return changed

    @property
    def names(self) -> list[str]:
        """What was given."""
        with self._lock:
            return sorted(self._given)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those that nobody gave."""
        with self._lock:
            return [name for name in names if self._value(name) is None]

    def values(self, names: Iterable[str]) -> dict[str, str]:
        """For a worker's environment."""
        with self._lock:
            return {name: value for name in names if (value := self._value(name)) is not None}

    def _value(self, name: str) -> str | None:
        return self._given.get(name) or os.environ.get(name) or None
