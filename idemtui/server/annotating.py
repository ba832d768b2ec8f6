"""Labels, marks and remarks: checked against the samples that the lab holds, then added to `notes.jsonl`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
from pydantic import ValidationError

from engine.errors import UsageError
from engine.lines import append_line
from store.lab import Lab
from store.notes import Note

HOLDERS = """
SELECT sample_id, source_run_id FROM chain_samples WHERE run_id = ? AND list_contains(?, sample_id)
"""
Fields = dict[str, Any]


@dataclass(frozen=True)
class Annotating:
    """Writes one lab's notes; `cursor` gives a connection for one question. Safe to call from any thread."""

    lab: Lab
    cursor: Callable[[], duckdb.DuckDBPyConnection]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def annotate(self, author: object, notes: object) -> Fields:
        """All notes or none; UsageError names the first that is wrong, and samples that the lab does not hold."""
        if not isinstance(notes, list) or not notes:
            raise UsageError("annotate: `notes` has to be a list with at least one label, mark or note.")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        read = [_read({**note, "ts": now, "author": author}) for note in notes if isinstance(note, dict)]
        if len(read) != len(notes):
            raise UsageError("annotate: every one of `notes` has to be an object with `type`, `run_id`, `sample_id`.")
        lines = [note.model_dump_json(exclude_none=True).encode() + b"\n" for note in self._held(read)]
        with self._lock:
            append_line(self.lab.notes, b"".join(lines))
        return {"written": len(lines)}

    def _held(self, notes: Sequence[Note]) -> list[Note]:
        """The notes with the run that holds each sample, a fork's inherited ones among them."""
        holders: dict[tuple[str, str], str] = {}
        asked: dict[str, list[str]] = {}
        for note in notes:
            asked.setdefault(note.run_id, []).append(note.sample_id)
        with self.cursor() as cursor:
            for run_id, sample_ids in asked.items():
                for sample_id, holder in cursor.execute(HOLDERS, [run_id, sample_ids]).fetchall():
                    holders[run_id, sample_id] = holder
        for note in notes:
            if (note.run_id, note.sample_id) not in holders:
                raise UsageError(f"run {note.run_id} holds no sample {note.sample_id!r}; `idemtui samples` lists them.")
        return [note.model_copy(update={"run_id": holders[note.run_id, note.sample_id]}) for note in notes]


def _read(note: Fields) -> Note:
    try:
        return Note.model_validate(note)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "a note"
        raise UsageError(f"annotate: {where} = {first['input']!r:.80}: {first['msg']}.") from None
