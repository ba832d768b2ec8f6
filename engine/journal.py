"""The journal: a run's only output and its only memory, one line of JSON an event.

Appending is one `write` of a whole line; a line torn by a crash is cut off by the next writer. A broken line anywhere
else means that somebody else wrote here: the journal is refused, never repaired by guessing.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from engine.disk import naming_full_disk
from engine.errors import JournalError
from engine.events import EVENT, Event


@dataclass(frozen=True)
class Entry:
    """One event with its place: `seq` counts from 0, `ts` is ISO 8601 in UTC, `end` the byte after its line."""

    seq: int
    ts: str
    event: Event
    end: int


def read_entries(path: Path, offset: int = 0, seq: int = 0) -> Iterator[Entry]:
    """Whole entries from byte `offset` on, whose first has number `seq`; a torn last line is left for later.

    Raises JournalError for a line that is no event or not the next one.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield _entry(path, line, seq, offset)
            seq += 1


def read_some(path: Path, types: Collection[str]) -> Iterator[Event]:
    """The events of these types alone, without looking into the other lines: quick on journals full of texts."""
    marks = [f'"type":"{name}"'.encode() for name in types]
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if line.endswith(b"\n") and any(mark in line for mark in marks):
                event = _entry(path, line, number, file.tell()).event
                if event.type in types:
                    yield event


def _entry(path: Path, line: bytes, seq: int, end: int) -> Entry:
    where = f"{path}: event {seq} (line ending at byte {end})"
    try:
        raw = json.loads(line)
        event = EVENT.validate_python({"type": raw["type"], **raw["payload"]})
        found, ts = raw["seq"], raw["ts"]
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise JournalError(
            f"{where} is not a journal line ({type(error).__name__}); nothing after it was read. "
            "Restore the file from a backup, or remove the run with `idemtui rm` and run it again."
        ) from None
    if found != seq:
        raise JournalError(f"{where} has number {found!r:.40}, expected {seq}: lines were lost or written twice.")
    return Entry(seq, str(ts), event, end)


class Journal:
    """The one writer of a journal; the caller holds the run folder's lock."""

    def __init__(self, path: Path) -> None:
        """Open for appending, cutting off a torn last line."""
        self.path = path
        path.touch(mode=0o600, exist_ok=True)
        self.entries = list(read_entries(path))
        self._seq = len(self.entries)
        self._end = self.entries[-1].end if self.entries else 0
        if path.stat().st_size > self._end:
            os.truncate(path, self._end)
        self._file = path.open("ab", buffering=0)

    def replay(self) -> list[Event]:
        """The events that stood in the file when it was opened."""
        return [entry.event for entry in self.entries]

    def append(self, event: Event, *, durable: bool = True) -> None:
        """Write one event as one line; `durable` waits until the disk holds it.

        Where that fails nothing of the line stays: DiskFullError for want of room, OSError otherwise.
        """
        line = {
            "seq": self._seq,
            "ts": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "type": event.type,
            "payload": event.model_dump(mode="json", exclude={"type"}),
        }
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with naming_full_disk(self.path):
            try:
                self._write(data, durable)
            except OSError:
                os.truncate(self.path, self._end)
                raise
        self._seq += 1
        self._end += len(data)

    def _write(self, data: bytes, durable: bool) -> None:
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, "only a part of the line was written")
        if durable:
            os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
