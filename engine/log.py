"""The chain's pen: writes an event, folds it into the state, and looks for a request to stop between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.events import Event, Stage, StageFinished, StageStarted, TrainStepped
from engine.journal import Journal
from engine.state import State


class StopAsked(BaseException):
    """Unwinds to the worker at a safe point; a BaseException so that no library swallows it."""

    def __init__(self, *, cancel: bool) -> None:
        super().__init__("cancelled" if cancel else "stopped")
        self.cancel = cancel


@dataclass
class Tokens:
    """Counts a stage's tokens."""

    count: int = 0


@dataclass
class Log:
    """Journal and state of one run, always in step; `safe_point` raises StopAsked when the run should stop."""

    journal: Journal
    state: State
    safe_point: Callable[[], None] = field(default=lambda: None)

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
        started = time.monotonic()
        yield tokens
        self.append(StageFinished(cycle=cycle, stage=stage, seconds=time.monotonic() - started, tokens=tokens.count))
