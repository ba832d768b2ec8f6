"""Where a run stands, from what was asked of it (commands) and what its worker said (lifecycle events).

The two come from two files, which one clock need not order. What binds them is the worker's pid: a `started` command
and the `run_started` event of one attempt carry the same. Times decide only where pids leave it open: for a worker
started by hand, for one worker that took a run twice and said nothing once, and for the word on a silent worker.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

ENDINGS = {"run_finished": "finished", "run_failed": "failed", "run_cancelled": "cancelled", "run_paused": "paused"}
LIFECYCLE = ("run_started", *ENDINGS)
DISK_FULL = 75
STOPPED = (0, 143)
"""Exit codes of a worker that ended as it was told to."""


@dataclass(frozen=True)
class Verdict:
    """Where a run stands now: the columns of `runs` that move."""

    status: str
    message: str | None = None
    finished_at: datetime | None = None
    log_tail: tuple[str, ...] = ()


@dataclass
class Standing:
    """The last word of each side, and how often each worker was started and spoke."""

    waiting: bool = False
    """Queued, and no worker has taken that up."""
    alive: bool = False
    """A worker was started, and nobody recorded its end."""
    stop: str | None = None
    stop_alone: bool = False
    """Whether the stop was asked while no worker could answer it."""
    stop_at: datetime | None = None
    pid: int | None = None
    starts: Counter[int] = field(default_factory=Counter)
    asked_at: datetime | None = None
    """When it was last queued or its worker started."""
    exit_code: int | None = None
    exit_message: str | None = None
    exit_at: datetime | None = None
    log_tail: tuple[str, ...] = ()
    silent_at: datetime | None = None
    silence: str | None = None

    event: str | None = None
    event_at: datetime | None = None
    event_message: str | None = None
    speaker: int | None = None
    spoken: Counter[int] = field(default_factory=Counter)
    started_at: datetime | None = None
    heard_at: datetime | None = None
    """When the worker last wrote anything."""

    def command(
        self, type_: str, at: datetime, *, pid: int | None = None, exit_code: int | None = None,
        message: str | None = None, log_tail: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Take in one command."""
        match type_:
            case "queued":
                self.waiting, self.stop, self.asked_at = True, None, at
            case "started":
                self.waiting, self.alive, self.pid, self.asked_at = False, True, pid, at
                self.exit_at, self.exit_code, self.exit_message, self.log_tail = None, None, None, ()
                self.silent_at = None
                if pid is not None:
                    self.starts[pid] += 1
            case "pause_requested" | "cancel_requested":
                self.stop, self.stop_alone, self.stop_at = type_.removesuffix("_requested"), not self.alive, at
                self.waiting = False
            case "worker_silent":
                self.silent_at, self.silence = at, message
            case "worker_exited":
                self.waiting = self.waiting and self.alive
                self.alive = False
                self.exit_at, self.exit_code, self.exit_message, self.log_tail = at, exit_code, message, log_tail

    def lifecycle(self, type_: str, at: datetime, *, message: str | None = None, pid: int | None = None) -> None:
        """Take in one of the LIFECYCLE events; of an attempt that ended before `run_started`, its end is the first."""
        first = type_ == "run_started" or (pid is not None and (self.event != "run_started" or pid != self.speaker))
        self.event, self.event_at, self.event_message = type_, at, message
        if type_ == "run_started":
            self.started_at = self.started_at or at
        if first:
            self.speaker = pid
            if pid is not None:
                self.spoken[pid] += 1

    def verdict(self) -> Verdict:
        """Status, message, end and last log lines of the run."""
        if self.event == "run_finished":
            return Verdict("finished", self.event_message, self.event_at)
        if self._stopped():
            return self._stopped_alone()
        if self._answered():
            return self._said()
        if self.waiting or self.exit_at is None:
            return Verdict("running", self.silence) if self._silent() else Verdict("queued")
        return self._lost()

    def _said(self) -> Verdict:
        """What the worker that was last asked said last."""
        if self.event != "run_started":
            if self.waiting and not self._by_hand():
                return Verdict("queued")
            at = None if self.event == "run_paused" else self.event_at
            return Verdict(ENDINGS[str(self.event)], self.event_message, at, self.log_tail)
        if self.exit_at is not None and not self.alive and not (self._by_hand() and self._later(self.exit_at)):
            return Verdict("queued") if self.waiting else self._lost()
        return Verdict("running", self.silence if self._silent() else None)

    def _silent(self) -> bool:
        """Whether the worker is there and was last found silent."""
        return self.alive and self.silent_at is not None and (self.heard_at is None or self.silent_at > self.heard_at)

    def _answered(self) -> bool:
        """Whether the worker that was last asked to run has spoken."""
        if self.event is None:
            return False
        if self._by_hand():
            return self.asked_at is None or self._later(self.asked_at)
        if self.speaker != self.pid or (self.waiting and not self.alive):
            return False
        same = self.speaker is None or self.spoken[self.speaker] < self.starts[self.speaker]
        return not same or self.asked_at is None or self._later(self.asked_at)

    def _by_hand(self) -> bool:
        """Whether the worker that spoke last is one that no command tells of."""
        return self.speaker is not None and self.spoken[self.speaker] > self.starts[self.speaker]

    def _later(self, than: datetime) -> bool:
        return self.event_at is not None and self.event_at >= than

    def _stopped(self) -> bool:
        """Whether a stop was asked that no worker had to answer, or that came after it had let go of the run."""
        if self.stop is None or (self._by_hand() and self.stop_at is not None and self._later(self.stop_at)):
            return False
        return self.stop_alone or (self.stop == "cancel" and self.event == "run_paused")

    def _stopped_alone(self) -> Verdict:
        before = "before it began" if self.event is None else "while no worker had it"
        if self.stop == "cancel":
            return Verdict("cancelled", f"cancelled {before}", self.stop_at)
        return Verdict("paused", f"paused {before}")

    def _lost(self) -> Verdict:
        code = self.exit_code
        how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        if code == DISK_FULL:
            return Verdict("paused", self.exit_message or "the disk is full", None, self.log_tail)
        if self.stop == "cancel":
            message = self.exit_message or "cancelled; the worker ended before it could say so"
            return Verdict("cancelled", message, self.exit_at, self.log_tail)
        if self.stop == "pause" and (code is None or code in STOPPED):
            return Verdict("paused", self.exit_message or "paused; the worker ended before it could say so")
        message = self.exit_message or f"the worker ended without a word{how}; see worker.log, then `resume`."
        return Verdict("failed", message, self.exit_at, self.log_tail)


def pause_message(cause: str | None, message: str | None) -> str | None:
    """What is shown of a pause: a full disk is named."""
    if cause != "disk" or "disk" in (message or "").lower():
        return message
    return f"the disk is nearly full: {message}" if message else "the disk is nearly full"
