"""Names of runs begin alike and end in what tells them apart (`…-s1`), so where they are cut, it is in their middle.

Where a whole column of them is known, words that all share go first, then those that all share in their middle.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from rich.cells import cell_len, set_cell_size

GAP = "…"
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
    ways = [[_without(each, *cut) for each in words] for cut in (*((n, 0) for n in range(first + 1)), (first, last))]
    return _best([*ways, _differing(words), _rarest(words, width)], width)


class Apart:
    """A whole column's names, told apart at whatever width the column has; two of the same names are equal."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._told: dict[int, dict[str, str]] = {}

    def __eq__(self, other: object) -> bool:
        """Same names are told apart in the same way."""
        return self is other or (isinstance(other, Apart) and self.names == other.names)

    def __hash__(self) -> int:
        """By the names."""
        return hash(self.names)

    def told(self, name: str, width: int) -> str:
        """One of the names, or another text, in at most `width` cells."""
        if width not in self._told:
            self._told[width] = dict(zip(self.names, tell_apart(self.names, width), strict=True))
        return self._told[width].get(name) or keep_ends(name, width)


def _best(ways: Sequence[Sequence[str]], width: int) -> list[str]:
    """The way that leaves most names different; of several the one that leaves most of them whole."""
    cut = [[keep_ends(name, width) for name in way] for way in ways]
    whole = [
        sum(one == other for one, other in zip(way, short, strict=True)) for way, short in zip(ways, cut, strict=True)
    ]
    return max(zip(cut, whole, strict=True), key=lambda told: (len(set(told[0])), told[1]))[0]


def _differing(words: Sequence[Sequence[str]]) -> list[str]:
    """The words in which names of equally many differ, an ellipsis for those between that all share."""
    if len({len(each) for each in words}) > 1:
        return ["".join(each) for each in words]
    shared = [len(set(column)) == 1 for column in zip(*words, strict=True)]
    return [_joined([GAP if same else word for word, same in zip(each, shared, strict=True)]) for each in words]


def _rarest(words: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each name without the words that most names have, as many as it has to lose; its last word stays.

    Where that is another name's already, one of its other words stays, too.
    """
    common = Counter(word for each in words for word in set(each))
    told: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    for each in dict.fromkeys(map(tuple, words)):
        ways = (_without_common(each, common, width, stays) for stays in range(len(each) - 1, -1, -1))
        told[each] = next((way for way in ways if way not in taken and cell_len(way) <= width), "".join(each))
        taken.add(told[each])
    return [told[tuple(each)] for each in words]


def _without_common(words: Sequence[str], common: Counter[str], width: int, stays: int) -> str:
    kept, gone = list(words), []
    for place in sorted(range(len(words) - 1), key=lambda place: -common[words[place]]):
        if place != stays and cell_len(_joined(kept)) > width:
            kept[place] = GAP
            gone.append(place)
    for place in reversed(gone):
        again = [*kept[:place], words[place], *kept[place + 1 :]]
        kept = again if cell_len(_joined(again)) <= width else kept
    return _joined(kept)


def _joined(words: Sequence[str]) -> str:
    return re.sub(f"{GAP}+", GAP, "".join(words))


def _shared(words: Sequence[Sequence[str]]) -> int:
    """How many first words are the same in all; of each one is left."""
    columns = zip(*(each[:-1] for each in words), strict=False)
    return len(list(takewhile(lambda column: len(set(column)) == 1, columns)))


def _without(words: Sequence[str], first: int, last: int) -> str:
    kept = "".join(words[first : len(words) - last])
    kept = kept.rstrip(" -") if last else kept
    return ("…" if first else "") + kept + ("…" if last else "")
