"""The places of a list as they come: a few bytes a sample, a million of them in eight megabytes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Places:
    """Grows at its end; any stretch of it is there at once."""

    def __init__(self, parts: Iterable[pa.Array] = ()) -> None:
        self._parts: list[pa.Array] = []
        self._starts: list[int] = []
        self.count = 0
        self.add(parts)

    def add(self, parts: Iterable[pa.Array]) -> None:
        """Take more places, in their order."""
        for part in parts:
            if len(part):
                self._starts.append(self.count)
                self._parts.append(part)
                self.count += len(part)

    def stretch(self, offset: int, size: int) -> list[int]:
        """At most `size` places from `offset` on."""
        found: list[int] = []
        at = bisect_right(self._starts, offset) - 1
        while 0 <= at < len(self._parts) and len(found) < size:
            start = max(offset - self._starts[at], 0)
            found += self._parts[at].slice(start, size - len(found)).to_pylist()
            at += 1
        return found
