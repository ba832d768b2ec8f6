"""Names of runs begin alike and end in what tells them apart (`…-s1`), so where they are cut, it is in their middle.

Where a whole column of them is known, words that all share go first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from rich.cells import cell_len, set_cell_size

WORD = re.compile(r"[^ -]*[ -]?")
"""A word of a name with the dash or the space behind it."""


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
    if len(set(names)) == 1:
        return [keep_ends(name, width) for name in names]
    words = [[word for word in WORD.findall(name) if word] for name in names]
    first = _shared(words)
    last = _shared([list(reversed(each[first:])) for each in words])
    ways = [[_without(each, *cut) for each in words] for cut in ((0, 0), (first, 0), (first, last))]
    return _best(ways, width)


def _best(ways: Sequence[Sequence[str]], width: int) -> list[str]:
    """The way that leaves most names different; of several the one that leaves most of them whole."""
    cut = [[keep_ends(name, width) for name in way] for way in ways]
    whole = [
        sum(one == other for one, other in zip(way, short, strict=True)) for way, short in zip(ways, cut, strict=True)
    ]
    return max(zip(cut, whole, strict=True), key=lambda told: (len(set(told[0])), told[1]))[0]


def _shared(words: Sequence[Sequence[str]]) -> int:
    """How many first words are the same in all; of each one is left."""
    columns = zip(*(each[:-1] for each in words), strict=False)
    return len(list(takewhile(lambda column: len(set(column)) == 1, columns)))


def _without(words: Sequence[str], first: int, last: int) -> str:
    kept = "".join(words[first : len(words) - last])
    kept = kept.rstrip(" -") if last else kept
    return ("…" if first else "") + kept + ("…" if last else "")
