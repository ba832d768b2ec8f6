"""Journals → rows. A file's byte offset moves in the same transaction as the rows read up to it.

So whatever dies, and however a journal is cut into polls, the database holds each line once; deleted, it is rebuilt
from the same files. A run whose file cannot be read is marked in `ingest_errors`, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from engine.commands import Command
from engine.errors import JournalError
from store.fold import fold_command, fold_entry
from store.forgetting import forget_runs
from store.lab import Lab, is_job
from store.moving import Position, write_owed_verdicts, write_positions, write_states
from store.notes import NOTES, WHOLE_LAB, take_notes
from store.reading import read_entries
from store.recall import load_state, new_state
from store.run_state import RunState
from store.specs import job_row, spec_row
from store.tables import SCHEMAS, Batch
from store.telemetry import TELEMETRY, take_telemetry
from store.transaction import transaction
from store.watch import Watch

BATCH_ROWS = 100_000
"""Rows per transaction, about: some 50 MB. Only a server that catches up fills one."""
PARENT = SCHEMAS["runs"].names.index("parent_run_id")
UNREADABLE = (JournalError, OSError, UnicodeError)
UNHOLDABLE = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError)
"""A value that no column can take; a database error is nobody's file and is raised."""


class Ingest:
    """Tails every run and job of a lab into one connection; the only writer.

    `version` counts the lines ever read: it grows whenever rows came, also over restarts and rebuilds.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, lab: Lab, batch_rows: int = BATCH_ROWS) -> None:
        self.connection = connection
        self.lab = lab
        self.batch_rows = batch_rows
        self._watch = Watch(lab, lambda run_id, file: self._position(run_id, file).offset)
        self._states: dict[str, RunState] = {}
        self._owing = True
        """Whether verdicts may be owed."""
        self._broken = False
        """Whether a poll ended in an error: what is in memory may be ahead of the database."""
        self._reload()

    @property
    def version(self) -> int:
        """Lines remembered of all files."""
        return sum(position.lines for position in self._positions.values())

    @property
    def edition(self) -> int:
        """The version, and the verdicts that followed, and what was forgotten: it never goes back."""
        return self._beside + self.version

    def poll(self) -> int:
        """Take in whatever the journals hold that the database does not; return the number of lines read."""
        return sum(self.poll_runs().values())

    def poll_runs(self, patience: float | None = None, *, thorough: bool = True) -> dict[str, int]:
        """The same, as lines per run; a run that was marked with an error, or got a verdict, counts with 0.

        Where it is not `thorough`, runs that were quiet for long are looked at now and then only.
        Verdicts come after all rows, a cell at a time; what is left after `patience` seconds is left to the next poll.
        """
        news: dict[str, int] = {}
        if self._broken:
            self._reload()
        moved = self._watch.moved(thorough=thorough)
        self._broken = True
        try:
            self._take(moved, news)
        except UNHOLDABLE:
            for run_id in moved:
                self._take_alone(run_id, news)
        self._take_notes(news)
        self._take_telemetry()
        self._settle_verdicts(patience, news)
        self._broken = False
        self._states = {run_id: s for run_id, s in self._states.items() if s.standing.event != "run_finished"}
        return news

    def forget(self, run_ids: Iterable[str]) -> None:
        """Delete every row of these runs and their files' positions; a folder that is still there is read anew."""
        forget_runs(self.connection, list(run_ids))
        self._reload()

    def _settle_verdicts(self, patience: float | None, news: dict[str, int]) -> None:
        started = time.monotonic()
        while self._owing and (patience is None or time.monotonic() - started < patience):
            run_ids = write_owed_verdicts(self.connection)
            news |= dict.fromkeys(run_ids, 0) | news
            self._owing = bool(run_ids)
            self._beside += int(self._owing)

    def _reload(self) -> None:
        """Know no more than the database does."""
        query = "SELECT run_id, file, byte_offset, lines, error FROM journals"
        rows = [Position(*row) for row in self.connection.execute(query).fetchall()]
        self._positions = {(row.run_id, row.file): row for row in rows}
        numbers = "SELECT coalesce(max(run_no), 0) + 1 FROM run_numbers"
        self._next_number = int(self.connection.execute(numbers).fetchall()[0][0])
        self._beside = int(self.connection.execute("SELECT count FROM beside_lines").fetchall()[0][0])
        self._pending: dict[tuple[str, str], Position] = {}
        self._states = {}
        self._batch = Batch()
        self._owing = True
        self._watch.forget()

    def _position(self, run_id: str, file: str) -> Position:
        key = run_id, file
        return self._pending.get(key) or self._positions.get(key) or Position(run_id, file)

    def _take(self, run_ids: Iterable[str], news: dict[str, int]) -> None:
        for run_id in run_ids:
            for _ in self._fold(run_id):
                if self._batch.size >= self.batch_rows:
                    self._flush(news)
        self._flush(news)

    def _take_telemetry(self) -> None:
        """What devices did; a cut file is read from its start no more, what came of it stays."""
        start = self._position(WHOLE_LAB, TELEMETRY)
        try:
            size = self.lab.telemetry.stat().st_size
        except OSError:
            return
        if size > start.offset:
            self._positions[WHOLE_LAB, TELEMETRY] = take_telemetry(self.connection, self.lab.telemetry, start)

    def _take_notes(self, news: dict[str, int]) -> None:
        """People's labels and marks; they may speak of a run that is read later, or no more."""
        start = self._position(WHOLE_LAB, NOTES)
        try:
            size = self.lab.notes.stat().st_size
        except OSError:
            size = 0
        if size != start.offset:
            self._positions[WHOLE_LAB, NOTES], run_ids = take_notes(self.connection, self.lab.notes, start)
            for run_id in run_ids:
                news[run_id] = news.get(run_id, 0) + 1

    def _take_alone(self, run_id: str, news: dict[str, int]) -> None:
        """One run by itself, so that a value nobody can hold stops no other."""
        self._reload()
        try:
            self._take([run_id], news)
        except UNHOLDABLE as error:
            self._reload()
            self._stop(run_id, "events.jsonl", f"{self.lab.work(run_id)}: a value that no column can hold: {error}")
            self._flush(news)
        self._watch.look(run_id)

    def _fold(self, run_id: str) -> Iterator[None]:
        """Fold what is new of one run into the batch; pauses after every line, where a transaction may end."""
        state = self._states.get(run_id)
        if state is None:
            known = (run_id, "spec.json") in self._positions
            state = self._states[run_id] = (load_state if known else new_state)(self.connection, run_id)
        for file, read in (
            ("spec.json", self._spec),
            ("commands.jsonl", self._commands),
            ("events.jsonl", self._events),
        ):
            path = self.lab.work(run_id) / file
            try:
                for _ in read(path, state) if path.exists() else ():
                    yield
            except UNREADABLE as error:
                self._stop(run_id, file, str(error) if str(path) in str(error) else f"{path}: {error}")
                return
            if not self._position(run_id, "spec.json").lines:
                return

    def _spec(self, path: Path, state: RunState) -> Iterator[None]:
        if not self._position(state.run_id, path.name).lines:
            table, row = ("jobs", job_row(path)) if is_job(state.run_id) else ("runs", spec_row(path))
            state.run_no, self._next_number = self._next_number, self._next_number + 1
            self._batch.add("run_numbers", state.run_id, state.run_no)
            self._batch.add(table, *row)
            state.changed = state.arrived = True
            state.forked = table == "runs" and row[PARENT] is not None
            self._pending[state.run_id, path.name] = Position(state.run_id, path.name, path.stat().st_size, 1)
        yield

    def _commands(self, path: Path, state: RunState) -> Iterator[None]:
        start = self._start(path, state.run_id)
        offset, lines = start.offset, start.lines
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    command = Command.model_validate_json(line)
                except ValidationError:
                    raise JournalError(f"{path}: line {lines + 1} is no command; nothing after it was read.") from None
                fold_command(state, self._batch, command, lines)
                offset, lines = offset + len(line), lines + 1
                self._pending[state.run_id, path.name] = Position(state.run_id, path.name, offset, lines)
                yield

    def _events(self, path: Path, state: RunState) -> Iterator[None]:
        run_id, file = state.run_id, path.name
        start = self._start(path, run_id)
        for entry in read_entries(path, start.offset, start.lines):
            fold_entry(state, self._batch, entry)
            self._pending[run_id, file] = Position(run_id, file, entry.end, entry.seq + 1)
            yield

    def _start(self, path: Path, run_id: str) -> Position:
        start = self._position(run_id, path.name)
        size = path.stat().st_size
        if size < start.offset:
            raise JournalError(
                f"{path} has {size} bytes, {start.offset} were read before: it was cut. "
                "Restore it from a backup, or `idemtui rebuild` to remember what is left."
            )
        return start

    def _stop(self, run_id: str, file: str, error: str) -> None:
        known = self._position(run_id, file)
        self._pending[run_id, file] = Position(run_id, file, known.offset, known.lines, error)

    def _flush(self, news: dict[str, int]) -> None:
        """Write the batch and move the offsets, in one transaction."""
        moved = {key: new for key, new in self._pending.items() if self._positions.get(key) != new}
        if not moved and not self._batch.size:
            return
        states = [self._states[run_id] for run_id in dict.fromkeys(key[0] for key in moved) if run_id in self._states]
        with transaction(self.connection):
            self._batch.write(self.connection)
            write_states(self.connection, states)
            write_positions(self.connection, list(moved.values()))
        for key, new in moved.items():
            before = self._positions.get(key)
            news[key[0]] = news.get(key[0], 0) + new.lines - (before.lines if before else 0)
        self._positions |= moved
        self._pending, self._batch = {}, Batch()
        for state in states:
            self._owing |= state.finished or bool(state.closed_cycles) or state.arrived
            state.settle()
