"""How many workers run side by side on the cores, and how many threads each may use."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.errors import UsageError

VARIABLE = "IDEMTUI_SLOTS"
USUAL = 2


@dataclass(frozen=True)
class Slots:
    """A share of the cores for each of `count` workers."""

    count: int
    threads: int


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores(asked: int | None = None) -> Slots:
    """Slots as asked, else $IDEMTUI_SLOTS, else two where there are two cores; threads = cores // slots."""
    count = asked_slots(asked)
    if count is None:
        count = min(USUAL, cores())
    return Slots(count, max(cores() // count, 1))


def asked_slots(asked: int | None) -> int | None:
    """The number of workers that a flag, the settings or $IDEMTUI_SLOTS asks for, None where nothing does."""
    count = asked if asked is not None else _from_environment()
    if count is not None and count < 1:
        raise UsageError(f"slots = {count}: at least 1 worker has to run; this machine has {cores()} cores.")
    return count


def _from_environment() -> int | None:
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return None
    if not value.isdigit():
        raise UsageError(f"${VARIABLE} = {value!r}: not a whole number of workers (1 or more).")
    return int(value)
