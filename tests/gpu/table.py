"""The table of figures: rows as they come, and for every figure that was not measured the reason in its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.failures import first_line

DEADLINE_SECONDS = 540.0


class NotMeasuredError(Exception):
    """A figure that cannot be had here, and why."""


@dataclass
class Table:
    """Rows in order; one that fails says how, and the others follow."""

    device: str
    deadline_seconds: float = DEADLINE_SECONDS
    started: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, str]] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.deadline_seconds - (time.monotonic() - self.started)

    def add(self, name: str, value: str) -> None:
        """One more row, printed at once."""
        self.rows.append((name, value))
        print(f"{name:<58} {value}", flush=True)

    def attempt(self, name: str, work: Callable[[], str]) -> bool:
        """A row with what `work` gives, or why there is none; whether it was measured."""
        if self.left <= 0:
            self.add(name, f"not measured: the {self.deadline_seconds:.0f} s of this table were over")
            return False
        try:
            self.add(name, work())
        except NotMeasuredError as error:
            self.add(name, f"not measured: {error}")
            return False
        except Exception as error:
            self.add(name, f"FAILED: {type(error).__name__}: {first_line(str(error))[:160]}")
            return False
        return True

    def missing(self, name: str, why: str) -> None:
        """A row for a figure that nobody tried to measure."""
        self.add(name, f"not measured: {why}")
