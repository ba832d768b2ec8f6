"""Names of runs begin alike and end in what tells them apart (`…-s1`), so where they are cut, it is in their middle.

Where a whole column of them is known, words that all share go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from rich.cells import cell_len, set_cell_size

SEAM = "-"


def keep_ends(text: str, width: int) -> str:
    """The text in at most `width` cells: its beginning, an ellipsis, and its end."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    room = width - 1
    tail = text[len(text) - room // 2 :]
    while cell_len(tail) > room // 2:
        tail = tail[1:]
    return set_cell_size(text, room - cell_len(tail)) + "…" + tail


def tell_apart(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` cells each: as few words left out as keep the most of them different."""
    if all(cell_len(name) <= width for name in names):
        return list(names)
    words = [name.split(SEAM) for name in names]
    first = _shared(words)
    last = _shared([list(reversed(each[first:])) for each in words])
    ways = [[keep_ends(_without(each, *cut), width) for each in words] for cut in ((0, 0), (first, 0), (first, last))]
    return max(ways, key=lambda way: len(set(way)))


def _shared(words: Sequence[Sequence[str]]) -> int:
    """How many first words are the same in all; of each one is left."""
    columns = zip(*(each[:-1] for each in words), strict=False)
    return len(list(takewhile(lambda column: len(set(column)) == 1, columns)))


def _without(words: Sequence[str], first: int, last: int) -> str:
    kept = SEAM.join(words[first : len(words) - last])
    return ("…" if first else "") + kept + ("…" if last else "")
