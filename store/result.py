"""The answer to one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Result:
    """Rows as an Arrow table; `truncated` says that there are more than were asked for."""

    table: pa.Table
    truncated: bool = False

    @classmethod
    def limited(cls, table: pa.Table, limit: int | None) -> Result:
        """At most `limit` rows of a table that holds one more where there are more."""
        if limit is None or table.num_rows <= limit:
            return cls(table)
        return cls(table.slice(0, limit), truncated=True)

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self.table.column_names)

    def rows(self) -> list[dict[str, Any]]:
        """Plain Python rows; of two columns with one name the last is kept."""
        return self.table.to_pylist()  # type: ignore[no-any-return]

    def tuples(self) -> list[tuple[Any, ...]]:
        """Rows as tuples in the order of `columns`."""
        values = [column.to_pylist() for column in self.table.columns]
        return list(zip(*values, strict=True)) if values else []

    def to_pandas(self) -> Any:
        """A pandas frame."""
        return self.table.to_pandas()

    def __len__(self) -> int:
        return int(self.table.num_rows)


class Asked(Protocol):
    """Whatever answers SQL: a client, or a connection in a test."""

    def sql(self, query: str, params: Any = None, limit: int | None = None) -> Result:
        """The answer to one reading statement."""
        ...
