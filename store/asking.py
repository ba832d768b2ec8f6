"""One query on one connection: fenced, in a READ ONLY transaction, streamed as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from engine.errors import QueryError
from store.fence import check_query, explain_error

BATCH_ROWS = 10_000
Params = list[Any] | dict[str, Any] | None


@dataclass
class Question:
    """A query being answered; `cursor` belongs to it alone and is closed with it."""

    cursor: duckdb.DuckDBPyConnection
    query: str
    params: Params = None
    limit: int | None = None
    schema: pa.Schema = field(init=False)

    def ask(self) -> None:
        """Check, bind and start; raises QueryError."""
        try:
            query = check_query(self.query, self.cursor)
            self.cursor.execute("BEGIN TRANSACTION READ ONLY")
            self.cursor.execute(query, self.params) if self.params else self.cursor.execute(query)
            self._reader = self.cursor.to_arrow_reader(BATCH_ROWS)
            self.schema = self._reader.schema
        except duckdb.Error as error:
            raise _refusal(error) from None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answer in bounded memory; one row more than `limit` tells that there are more. Closes the cursor."""
        left = None if self.limit is None else self.limit + 1
        try:
            for batch in self._reader:
                if left is None:
                    yield batch
                    continue
                yield batch.slice(0, left)
                left -= batch.num_rows
                if left <= 0:
                    return
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _refusal(error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Give the cursor back, whatever it is doing."""
        with suppress(duckdb.Error):
            self.cursor.interrupt()
        with suppress(duckdb.Error):
            self.cursor.close()


def _refusal(error: Exception) -> QueryError:
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in str(error):
        return QueryError("the query was cancelled.")
    return QueryError(explain_error(error))
