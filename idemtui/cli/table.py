"""Tables as text: as wide as they need, in a terminal no wider than it is; where that cannot be, one field a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from idemtui.names import tell_apart

GAP = 2
NAMES = ("run", "cell", "group")
"""Columns whose texts are names, which have to stay apart where they are cut."""
NARROWEST = 12
"""A column of texts is not cut below this."""
NUMERIC = re.compile(r"[+−-]?[\d.]+(e[+-]?\d+)?|–|")


def cell_len(text: str) -> int:
    """Cells that a text takes on a terminal: wide characters take two."""
    if text.isascii():
        return len(text)
    from rich import cells

    return cells.cell_len(text)


def set_cell_size(text: str, width: int) -> str:
    """A text cut or filled up to `width` cells."""
    if text.isascii():
        return text[:width].ljust(width)
    from rich import cells

    return cells.set_cell_size(text, width)


def layout(
    header: Sequence[str], lines: Sequence[Sequence[str]], width: int | None, spare: Sequence[str] = ()
) -> list[str]:
    """The table's lines, its header first; `width` None means that nothing is cut.

    What does not fit gives up its `spare` columns one after the other, then is shown one field a line.
    """
    table = [header, *lines]
    natural = [max(cell_len(line[i]) for line in table) for i in range(len(header))]
    widths = natural if width is None else fitted(natural, width)
    if widths is None and spare:
        kept = [i for i, name in enumerate(header) if name != spare[0]]
        return layout([header[i] for i in kept], [[line[i] for i in kept] for line in lines], width, spare[1:])
    if widths is None:
        return records(header, lines, width or 0)
    right = [all(NUMERIC.fullmatch(line[i]) for line in lines) for i in range(len(header))]
    for name in NAMES:
        if name in header and lines:
            table = [header, *_told_apart(table[1:], header.index(name), widths)]
    return [_line(line, widths, right) for line in table]


def _told_apart(lines: Sequence[Sequence[str]], at: int, widths: Sequence[int]) -> list[list[str]]:
    """The lines with names of runs that fit their column."""
    names = tell_apart([line[at] for line in lines], widths[at])
    return [[*line[:at], name, *line[at + 1 :]] for line, name in zip(lines, names, strict=True)]


def fitted(natural: Sequence[int], width: int) -> list[int] | None:
    """Column widths of which the widest gave way, None where even that does not fit."""
    widths = [min(each, width) for each in natural]
    while sum(widths) + GAP * (len(widths) - 1) > width:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= NARROWEST:
            return None
        widths[widest] -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        " " * (width - cell_len(cell)) + cell if on_right and cell_len(cell) <= width else shortened(cell, width)
        for cell, width, on_right in zip(cells, widths, right, strict=True)
    ]
    return (" " * GAP).join(padded).rstrip()


def shortened(text: str, width: int) -> str:
    """Exactly `width` cells of text, an ellipsis at the end of what was cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1).rstrip().ljust(width - 1) + "…"


def records(header: Sequence[str], lines: Sequence[Sequence[str]], width: int) -> list[str]:
    """One field a line, for tables of more columns than a terminal holds."""
    names = max(cell_len(name) for name in header)
    shown = ["one field a line; a wider terminal, --json or --csv shows it otherwise"]
    for number, line in enumerate(lines, 1):
        shown.append(f"── {number}")
        for name, cell in zip(header, line, strict=True):
            room = max(width - names - GAP, NARROWEST)
            value = cell if cell_len(cell) <= room else shortened(cell, room)
            shown.append(f"{set_cell_size(name, names)}{' ' * GAP}{value}".rstrip())
    return shown
