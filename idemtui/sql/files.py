"""An answer written to a file by the client, batch by batch: CSV or Parquet, complete or not there at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import UsageError
from idemtui.sql.columns import csv_cell, distinct
from idemtui.sql.spool import rows_of

KINDS = (".csv", ".parquet")
GROUP_ROWS, GROUP_BYTES = 100_000, 64_000_000
"""Of a Parquet file's row groups, whichever comes first: what is held in memory."""


def write_file(batches: Iterator[pa.RecordBatch], path: Path) -> int:
    """Write the stream (its first batch gives the schema) to a new file and return the number of rows.

    UsageError for another kind of file or one that is there already.
    """
    if path.suffix not in KINDS:
        raise UsageError(f"{path}: the name says what is written; allowed: {' or '.join(KINDS)}.")
    if path.exists():
        raise UsageError(f"{path} is there already; choose another name or remove it.")
    partial = partial_of(path)
    try:
        rows = write_rows(batches, partial, path.suffix)
        partial.rename(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}).") from None
    finally:
        with suppress(OSError):
            partial.unlink()
    return rows


def partial_of(path: Path) -> Path:
    """What a file or folder is called, beside its place, until it is complete."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def write_rows(batches: Iterator[pa.RecordBatch], path: Path, kind: str) -> int:
    """Write the stream into `path` as one of KINDS, in bounded memory, and return the number of rows; OSError."""
    return _write_csv(batches, path) if kind == ".csv" else _write_parquet(batches, path)


def _write_csv(batches: Iterator[pa.RecordBatch], path: Path) -> int:
    first = next(batches)
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(distinct(first.schema.names))
        for batch in _all(first, batches):
            writer.writerows(map(csv_cell, row) for row in rows_of(batch))
            rows += batch.num_rows
    return rows


def _write_parquet(batches: Iterator[pa.RecordBatch], path: Path) -> int:
    first = next(batches)
    schema = pa.schema(
        [field.with_name(name) for field, name in zip(first.schema, distinct(first.schema.names), strict=True)]
    )
    rows, held = 0, [first]
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            held.append(batch)
            if sum(b.num_rows for b in held) >= GROUP_ROWS or sum(b.nbytes for b in held) >= GROUP_BYTES:
                rows += _flush(writer, held, schema)
        rows += _flush(writer, held, schema)
    return rows


def _flush(writer: pq.ParquetWriter, held: list[pa.RecordBatch], schema: pa.Schema) -> int:
    table = pa.Table.from_batches([pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in held], schema)
    held.clear()
    if table.num_rows:
        writer.write_table(table)
    return int(table.num_rows)


def _all(first: pa.RecordBatch, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from batches
