"""What a worker looks at between two steps: what people asked, a signal, and the room left on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from engine.commands import stop_requested
from engine.disk import room_missing
from engine.log import StopAsked


class Stopping:
    """Remembers that SIGTERM came."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        self.asked = True


@dataclass(frozen=True)
class RunSafePoint:
    """The safe point of a run folder; `reserve` bytes of its disk are kept free."""

    folder: Path
    stopping: Stopping
    reserve: int

    def __call__(self, room: int = 0) -> None:
        """Raise StopAsked where the run should stop; see `engine.log.SafePoint`."""
        match stop_requested(self.folder):
            case "cancel":
                raise StopAsked("cancel", "cancelled by its user")
            case "pause":
                raise StopAsked("pause", "paused by its user")
            case None:
                pass
        if self.stopping.asked:
            raise StopAsked("terminate", "stopped by SIGTERM")
        missing = room_missing(self.folder, self.reserve, room)
        if missing:
            raise StopAsked("disk", missing)
