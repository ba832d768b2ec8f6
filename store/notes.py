"""What people said of samples: `notes.jsonl` of the lab, one JSON object a line, written by the lab server alone.

Lines are only ever added. The tables `labels` and `marks` hold what stands: of one person the last label of a sample on
a metric, the marks that were not taken back, and (as a label with the metric `note`) the last remark.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import JournalError
from store.fold import utc
from store.moving import Position, write_positions
from store.tables import incoming, replace
from store.transaction import transaction

NOTES = "notes.jsonl"
WHOLE_LAB = ""
"""Stands where other files' positions name their run."""
REMARK = "note"
LONGEST = 2000
"""Characters of a remark."""

KEYS = {
    "labels": ("sample_id", "author", "metric"),
    "marks": ("sample_id", "author", "mark"),
}


class Note(BaseModel):
    """One line: a label (value 0–100), a mark, or a remark; None or an empty remark takes the former one back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ts: str
    type: Literal["label", "mark", "unmark", "note"]
    run_id: str
    """The run that holds the sample."""
    sample_id: str
    author: str = Field(min_length=1, max_length=64)
    metric: str | None = None
    """For `label`: `trait`, `coherence`, or `trait:<other>`."""
    value: float | None = Field(default=None, ge=0, le=100)
    mark: str | None = Field(default=None, min_length=1, max_length=64)
    note: str | None = Field(default=None, max_length=LONGEST)

    @model_validator(mode="after")
    def _says_something(self) -> Note:
        wanted = {"label": "metric", "mark": "mark", "unmark": "mark", "note": "note"}[self.type]
        if getattr(self, wanted) is None:
            raise ValueError(f"a {self.type} needs `{wanted}`")
        return self


def read_notes(path: Path, offset: int = 0, lines: int = 0) -> Iterator[tuple[Note, int]]:
    """Whole lines from byte `offset` on, each with the byte after it; JournalError for a line that is none."""
    with path.open("rb") as file:
        file.seek(offset)
        for number, line in enumerate(file, lines + 1):
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                yield Note.model_validate_json(line), offset
            except ValidationError as error:
                raise JournalError(
                    f"{path}: line {number} is no label, mark or note ({error.errors()[0]['msg']}); "
                    "nothing after it was read. Mend or remove that line."
                ) from None


def take_notes(connection: duckdb.DuckDBPyConnection, path: Path, start: Position) -> tuple[Position, list[str]]:
    """Take in what is new, in one transaction: how far the file is read now, and the run of every new line.

    A file that was cut or broken is marked in its position; what was read of it stays.
    """
    offset, error = start.offset, None
    notes: list[Note] = []
    try:
        if path.stat().st_size < offset:
            raise JournalError(f"{path} was cut; restore it, or `idemtui rebuild` to remember what is left.")
        for note, end in read_notes(path, start.offset, start.lines):
            notes.append(note)
            offset = end
    except FileNotFoundError:
        error = f"{path} is gone; restore it, or `idemtui rebuild` to remember what is left." if start.lines else None
    except (JournalError, OSError) as failure:
        error = str(failure)
    now = Position(start.run_id, start.file, offset, start.lines + len(notes), error)
    if now != start:
        with transaction(connection):
            _write(connection, notes)
            write_positions(connection, [now])
    return now, [note.run_id for note in notes]


def _write(connection: duckdb.DuckDBPyConnection, notes: list[Note]) -> None:
    rows: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {"labels": {}, "marks": {}}
    standing: dict[tuple[Any, ...], bool] = {}
    for note in notes:
        at = utc(note.ts)
        if note.type in ("mark", "unmark"):
            table, key = "marks", (note.sample_id, note.author, note.mark)
            row: tuple[Any, ...] = (note.sample_id, at, note.author, note.mark)
        else:
            table, key = "labels", (note.sample_id, note.author, note.metric if note.type == "label" else REMARK)
            row = (note.sample_id, at, note.author, key[2], note.value, note.note)
        rows[table][key] = row
        standing[table, *key] = note.type == "mark" or note.value is not None or bool(note.note)
    for table, found in rows.items():
        kept = [row for key, row in found.items() if standing[table, *key]]
        gone = [row for key, row in found.items() if not standing[table, *key]]
        replace(connection, table, kept, KEYS[table])
        _remove(connection, table, gone)


def _remove(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    same = " AND ".join(f"{table}.{name} = incoming.{name}" for name in KEYS[table])
    with incoming(connection, table, rows):
        connection.execute(f"DELETE FROM {table} USING incoming WHERE {same}")
