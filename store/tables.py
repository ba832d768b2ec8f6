"""The rows of one ingest transaction: gathered by column, written as Arrow, a table at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain, repeat
from typing import Any

import duckdb
import pyarrow as pa

TEXT, INT, BIG, REAL, YES, TIME = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us")
PAIR = pa.struct([("score", INT), ("p", REAL)])


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


SCHEMAS: dict[str, pa.Schema] = {
    "runs": _schema(
        run_id=TEXT, study=TEXT, name=TEXT, cell=TEXT, replicate=INT, trait=TEXT, model=TEXT, regime=TEXT, init=TEXT,
        reference=TEXT, rejected=TEXT, n_seed=INT, n_sampled=INT, cycles=INT, seed=BIG, control=TEXT,
        parent_run_id=TEXT, forked_at_cycle=INT, status=TEXT, created_at=TIME, spec=TEXT,
    ),
    "jobs": _schema(job_id=TEXT, kind=TEXT, name=TEXT, status=TEXT, created_at=TIME, spec=TEXT),
    "doses": _schema(
        job_id=TEXT, n_seed=INT, seed=BIG, trait=REAL, coherence=REAL, prompt_means=pa.list_(REAL), n=INT, nulls=INT
    ),
    "cycles": _schema(
        run_id=TEXT, cycle=INT, status=TEXT, started_at=TIME, finished_at=TIME, adapter_path=TEXT, adapter_sha256=TEXT,
        init=TEXT, reference=TEXT, delta_norm=REAL, gradient_norm_max=REAL, trainable_parameters=BIG,
        optimizer_steps=INT, logp_before=REAL, logp_after=REAL, training_rows=INT, rows_moved=INT, dropped_rows=INT,
        truncated_rows=INT, notes=pa.list_(TEXT), stop_rules=pa.list_(TEXT),
    ),
    "stages": _schema(
        run_id=TEXT, cycle=INT, stage=TEXT, started_at=TIME, finished_at=TIME, seconds=REAL, tokens=BIG, device=TEXT,
        total=INT, memory=BIG,
    ),
    "run_numbers": _schema(run_id=TEXT, run_no=INT),
    "stored_samples": _schema(
        run_no=INT, sample_id=TEXT, cycle=INT, purpose=TEXT, prompt_id=TEXT, draw=INT, drawn_by=INT, prompt=TEXT,
        response=TEXT, tokens=INT, stop_reason=TEXT, kept=YES, kept_reason=TEXT, words=INT, sentences=INT,
        mean_sentence_length=REAL, repeat_4gram=REAL, echo=REAL,
    ),
    "stored_training_rows": _schema(run_no=INT, cycle=INT, position=INT, sample_id=TEXT, role=TEXT, pair=INT),
    "stored_scores": _schema(
        run_no=INT, sample_id=TEXT, metric=TEXT, judge_id=TEXT, value=REAL, mass=REAL, variance=REAL, label=TEXT,
        distribution=pa.list_(PAIR), cycle=INT,
    ),
    "stored_likelihoods": _schema(
        run_no=INT, sample_id=TEXT, cycle=INT, tokens=INT, nll=REAL, init_nll=REAL, kl=REAL, block_tokens=INT,
        block_nll=REAL,
    ),
    "cycle_diversity": _schema(
        run_id=TEXT, cycle=INT, budget=INT, words=INT, distinct_1=REAL, distinct_2=REAL, distinct_3=REAL
    ),
    "stored_judging": _schema(
        run_no=INT, cycle=INT, metric=TEXT, judge_id=TEXT, batch=INT, answers=INT, requests=BIG, prompt_tokens=BIG,
        completion_tokens=BIG, known=BIG, cost=REAL,
    ),
    "judges": _schema(judge_id=TEXT, metric=TEXT, model=TEXT, rubric=TEXT, rubric_version=TEXT, method=TEXT),
    "run_judges": _schema(run_id=TEXT, metric=TEXT, judge_id=TEXT),
    "stored_train_steps": _schema(run_no=INT, cycle=INT, step=INT, name=TEXT, value=REAL),
    "stored_events": _schema(run_no=INT, seq=BIG, ts=TIME, type=TEXT, payload=TEXT),
    "commands": _schema(
        run_id=TEXT, position=INT, ts=TIME, type=TEXT, pid=INT, exit_code=INT, boot_id=TEXT, device=TEXT, priority=INT,
        message=TEXT, log_tail=pa.list_(TEXT), cycles=pa.list_(INT),
    ),
    "labels": _schema(sample_id=TEXT, ts=TIME, author=TEXT, metric=TEXT, value=REAL, note=TEXT),
    "marks": _schema(sample_id=TEXT, ts=TIME, author=TEXT, mark=TEXT),
    "journals": _schema(run_id=TEXT, file=TEXT, byte_offset=BIG, lines=BIG, error=TEXT),
    "dropped_samples": _schema(run_no=INT, cycle=INT, sample_id=TEXT, kept_reason=TEXT),
    "finished_cycles": _schema(run_id=TEXT, cycle=INT, run_no=INT),
    "some_runs": _schema(run_id=TEXT),
    "owed_verdicts": _schema(run_id=TEXT),
    "standings": _schema(
        run_id=TEXT, status=TEXT, message=TEXT, started_at=TIME, finished_at=TIME, log_tail=pa.list_(TEXT),
        done=BIG, total=BIG,
    ),
}  # fmt: skip
"""Columns in the order of the tuples; `standings` is what moves in `runs` and `jobs`, three others are keys."""

Keys = Sequence[tuple[Any, ...]]


class Batch:
    """Rows waiting to be written, by column; `size` counts them."""

    def __init__(self) -> None:
        self.columns: dict[str, list[list[Any]]] = {}
        self.size = 0
        self.stale: list[tuple[str, int, int]] = []
        self.dropped: list[tuple[int, int, str, str]] = []
        """Texts that selection dropped: run number, cycle, sample id, reason."""

    def add(self, table: str, *row: Any) -> None:
        """One row, its values in the order of the table's schema."""
        for column, value in zip(self._columns(table), row, strict=True):
            column.append(value)
        self.size += 1

    def extend(self, table: str, count: int, *values: Any) -> None:
        """`count` rows, column by column in the order of the schema: a sequence of values, or one that all share."""
        for column, value in zip(self._columns(table), values, strict=True):
            column.extend(value if isinstance(value, list | tuple) else repeat(value, count))
        self.size += count

    def discard(self, table: str, run_no: int, cycle: int) -> None:
        """Forget what is known of one cycle in one stored table: the stage that wrote it began anew."""
        names, columns = SCHEMAS[table].names, self._columns(table)
        runs, cycles = columns[names.index("run_no")], columns[names.index("cycle")]
        kept = [i for i, place in enumerate(zip(runs, cycles, strict=True)) if place != (run_no, cycle)]
        self.size -= len(runs) - len(kept)
        self.columns[table] = [[column[i] for i in kept] for column in columns]
        self.stale.append((table, run_no, cycle))

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Insert everything gathered, in the caller's transaction."""
        for table, run_no, cycle in self.stale:
            connection.execute(f"DELETE FROM {table} WHERE run_no = ? AND cycle = ?", [run_no, cycle])
        for table, columns in self.columns.items():
            if columns[0]:
                _insert(connection, table, _arrow(table, columns))
        self._drop(connection)

    def _drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self.dropped:
            with incoming(connection, "dropped_samples", self.dropped):
                connection.execute(
                    "UPDATE stored_samples AS s SET kept = false, kept_reason = i.kept_reason FROM incoming AS i "
                    "WHERE s.run_no = i.run_no AND s.cycle = i.cycle AND s.sample_id = i.sample_id"
                )

    def _columns(self, table: str) -> list[list[Any]]:
        if table not in self.columns:
            self.columns[table] = [[] for _ in SCHEMAS[table]]
        return self.columns[table]


@contextmanager
def incoming(connection: duckdb.DuckDBPyConnection, kind: str, rows: Keys) -> Iterator[None]:
    """Rows of one kind as the view `incoming`."""
    connection.register("incoming", arrow(kind, rows))
    try:
        yield
    finally:
        connection.unregister("incoming")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    connection.register("incoming", rows)
    try:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    finally:
        connection.unregister("incoming")


def replace(connection: duckdb.DuckDBPyConnection, table: str, rows: Keys, key: Sequence[str]) -> None:
    """Put rows in the place of those with the same key."""
    if not rows:
        return
    same = " AND ".join(f"{table}.{name} IS NOT DISTINCT FROM incoming.{name}" for name in key)
    with incoming(connection, table, rows):
        connection.execute(f"DELETE FROM {table} USING incoming WHERE {same}")
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")


def arrow(table: str, rows: Keys) -> pa.Table:
    """Tuples as an Arrow table; raises pyarrow.ArrowInvalid or OverflowError for a value the column cannot hold."""
    return _arrow(table, list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMAS[table]))


def _arrow(table: str, columns: Sequence[Sequence[Any]]) -> pa.Table:
    schema = SCHEMAS[table]
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    if type_ != pa.list_(PAIR):
        return pa.array(values, type=type_)
    offsets = list(accumulate(map(len, values), initial=0))
    pairs = list(chain.from_iterable(values))
    sides = [pa.array([score for score, _ in pairs], INT), pa.array([p for _, p in pairs], REAL)]
    flat = pa.StructArray.from_arrays(sides, fields=list(PAIR))
    return pa.ListArray.from_arrays(pa.array(offsets, INT), flat)
