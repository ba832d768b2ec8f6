"""Where a run stands, from what was asked of it (commands) and what its worker said (lifecycle events).

The two come from two files and are ordered by their times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ENDINGS = {"run_finished": "finished", "run_failed": "failed", "run_cancelled": "cancelled"}
LIFECYCLE = ("run_started", *ENDINGS)


@dataclass
class Standing:
    """The last word of each side; `phase` is `queued`, `started`, `worker_exited` or None."""

    phase: str | None = None
    phase_at: datetime | None = None
    asked_at: datetime | None = None
    """When it was last queued or its worker started."""
    cancel: bool = False
    exit_code: int | None = None
    event: str | None = None
    event_at: datetime | None = None
    event_message: str | None = None
    started_at: datetime | None = None

    def command(self, type_: str, at: datetime, exit_code: int | None) -> None:
        """Take in one command."""
        if type_ == "cancel_requested":
            self.cancel = True
            return
        self.phase, self.phase_at = type_, at
        if type_ == "worker_exited":
            self.exit_code = exit_code
            return
        self.asked_at = at
        if type_ == "queued":
            self.cancel = False

    def lifecycle(self, type_: str, at: datetime, message: str | None) -> None:
        """Take in one of the LIFECYCLE events."""
        self.event, self.event_at, self.event_message = type_, at, message
        if type_ == "run_started" and self.started_at is None:
            self.started_at = at

    def verdict(self) -> tuple[str, str | None, datetime | None]:
        """Status, message and end of the run."""
        if self.event == "run_finished":
            return "finished", self.event_message, self.event_at
        answered = self._answered()
        if answered and self.event in ENDINGS:
            return ENDINGS[self.event], self.event_message, self.event_at
        if self.phase == "worker_exited":
            return self._lost()
        if answered and self.event == "run_started":
            return "running", None, None
        if self.cancel and self.phase in (None, "queued"):
            return "cancelled", "cancelled before it began", self.phase_at
        return "queued", None, None

    def _answered(self) -> bool:
        """Whether the worker spoke since it was last asked to run."""
        if self.event_at is None:
            return False
        return self.asked_at is None or self.event_at >= self.asked_at

    def _lost(self) -> tuple[str, str, datetime | None]:
        if self.cancel:
            return "cancelled", "cancelled; the worker ended before it could say so", self.phase_at
        code = self.exit_code
        how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        return "failed", f"the worker ended without a word{how}; see worker.log, then `resume`.", self.phase_at
