"""One finding of the doctor, and how long anything that it asks may take."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")
Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Check:
    """What is, how bad that is, and what to do about it."""

    name: str
    level: Level
    what: str
    advice: str = ""


class TooSlowError(Exception):
    """Something that was asked took too long; it goes on behind, on a daemon thread."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives or raises; TooSlowError where that takes longer."""
    given: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            given.append(work())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="doctor", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TooSlowError
    return given[0]
