"""An answer of any size on disk: batches go in as they come, pages come out in any order, memory stays bounded."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

MOST_BYTES = 2_000_000_000
"""Of one answer on disk; an export writes all of it whatever its size."""


class Spool:
    """Record batches of one schema in a nameless file; one thread writes, any thread reads."""

    def __init__(self, schema: pa.Schema, most_bytes: int = MOST_BYTES) -> None:
        self.schema = schema
        self.rows = 0
        self._most = most_bytes
        self._fd, name = tempfile.mkstemp(prefix="idemtui-")
        os.unlink(name)  # noqa: PTH108 - a name, no path
        self.close = weakref.finalize(self, os.close, self._fd)
        """Give the disk back; a spool that nobody holds does so by itself."""
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self._end = 0
        self._lock = threading.Lock()

    def add(self, batch: pa.RecordBatch) -> bool:
        """Take a batch; False where the file is as large as it may become, and the batch was left out."""
        if not batch.num_rows:
            return True
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        content = sink.getvalue()
        if self._end + content.size > self._most:
            return False
        view, written = memoryview(content), 0
        while written < len(view):
            written += os.pwrite(self._fd, view[written:], self._end + written)
        with self._lock:
            self._starts.append(self.rows)
            self._places.append((self._end, content.size))
            self._end += content.size
            self.rows += batch.num_rows
        return True

    def page(self, offset: int, size: int) -> list[tuple[Any, ...]]:
        """Rows from `offset` on, at most `size` of them."""
        found: list[tuple[Any, ...]] = []
        with self._lock:
            at, places, starts = max(bisect_right(self._starts, offset) - 1, 0), self._places, self._starts
            wanted = list(zip(starts[at:], places[at:], strict=True))
        for start, place in wanted:
            if len(found) >= size:
                break
            batch = self._read(place)
            skipped = max(offset - start, 0)
            found += rows_of(batch.slice(skipped, size - len(found)))
        return found

    def columns(self, most: int) -> pa.Table:
        """The first rows as a table, at most `most` of them."""
        batches: list[pa.RecordBatch] = []
        rows = 0
        for place in list(self._places):
            if rows >= most:
                break
            batches.append(self._read(place))
            rows += batches[-1].num_rows
        return pa.Table.from_batches(batches, self.schema).slice(0, most)

    def _read(self, place: tuple[int, int]) -> pa.RecordBatch:
        start, length = place
        content = os.pread(self._fd, length, start)
        with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
            return reader.read_next_batch()


def rows_of(batch: pa.RecordBatch) -> Sequence[tuple[Any, ...]]:
    """A batch as Python rows."""
    values = [column.to_pylist() for column in batch.columns]
    return list(zip(*values, strict=True))
