"""The chain's pen: writes an event, folds it into the state, and looks for a reason to stop between two steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.events import Event, Stage, StageFinished, StageStarted, TrainStepped
from engine.journal import Journal
from engine.peak import Peak, ThisProcess
from engine.state import State

Why = Literal["cancel", "pause", "disk", "terminate"]


class StopAsked(BaseException):
    """Unwinds to the worker at a safe point; a BaseException so that no library swallows it."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why, self.message = why, message


class SafePoint(Protocol):
    """A place where a run can stop with nothing half done."""

    def __call__(self, room: int = 0) -> None:
        """Raise StopAsked where the run should stop, also for want of `room` bytes that the next step writes."""
        ...


def never_stop(room: int = 0) -> None:
    """The safe point of a chain that nobody can stop."""


@dataclass
class Tokens:
    """Counts a stage's tokens."""

    count: int = 0


@dataclass
class Log:
    """Journal and state of one run, always in step, and the stage under way."""

    journal: Journal
    state: State
    safe_point: SafePoint = never_stop
    under_way: tuple[int, Stage] | None = None
    memory: Peak = field(default_factory=ThisProcess)
    """Where a stage's peak of memory is found out."""

    def append(self, event: Event) -> None:
        """Write and fold one event; steps are not waited for, everything else is durable."""
        self.journal.append(event, durable=not isinstance(event, TrainStepped | StageStarted))
        self.state.apply(event)

    @contextmanager
    def stage(self, cycle: int, stage: Stage, total: int) -> Iterator[Tokens]:
        """A stage's start and end; one that already ended in the journal leaves no second mark."""
        tokens = Tokens()
        if (cycle, stage) in self.state.stages_finished:
            yield tokens
            return
        self.safe_point()
        self.append(StageStarted(cycle=cycle, stage=stage, total=total))
        self.under_way = cycle, stage
        started = time.monotonic()
        self.memory.forget()
        yield tokens
        seconds = time.monotonic() - started
        told = StageFinished(cycle=cycle, stage=stage, seconds=seconds, tokens=tokens.count, memory=self.memory.peak())
        self.append(told)
        self.under_way = None
