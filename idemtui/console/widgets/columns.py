"""Which columns of a list fit a width, and how wide each becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from idemtui.names import Apart, keep_ends

GAP = 1

Tone = Literal["", "dim", "good", "bad", "warn", "accent"]


@dataclass(frozen=True)
class Column:
    """A column of at least `width` cells; a higher `rank` is left out first, `flex` shares what is left over.

    Where there is room it grows to `most` cells, if it says so, before what is left over is shared.
    A `name` that is too long is cut in its middle, since its end tells it from others; where a list knows all its
    names, its cells say how each is told apart.
    """

    title: str
    width: int
    rank: int = 0
    flex: int = 0
    right: bool = False
    name: bool = False
    most: int = 0


@dataclass(frozen=True)
class Name:
    """One name of a column's, with what stands before it; cut only as far as it can still be told from the others."""

    name: str
    column: Apart
    lead: str = ""

    def within(self, width: int) -> str:
        """Lead and name in at most `width` cells, where the lead leaves room for it."""
        return self.lead + self.column.told(self.name, max(width - cell_len(self.lead), 1))


@dataclass(frozen=True)
class Cell:
    """A value in words, with a tone that some themes colour and none depend on."""

    text: str
    tone: Tone = ""
    name: Name | None = None
    """What stands there instead of a text that is too long."""


def name_cells(names: Sequence[str], tone: Tone = "") -> list[Cell]:
    """A column of names."""
    column = Apart(names)
    return [Cell(name, tone, Name(name, column)) for name in names]


@dataclass(frozen=True)
class Fit:
    """A column that is shown: its place among all columns and its width."""

    index: int
    column: Column
    width: int


def fit(columns: Sequence[Column], width: int) -> list[Fit]:
    """The columns that fit `width`, widened to fill it; those of rank 0 stay even where they do not fit."""
    shown = list(range(len(columns)))
    while needed(columns, shown) > width and any(columns[i].rank for i in shown):
        shown.remove(max(shown, key=lambda i: (columns[i].rank, i)))
    spare = max(width - needed(columns, shown), 0)
    widths = {i: columns[i].width for i in shown}
    for i in shown:
        grown = min(max(columns[i].most - columns[i].width, 0), spare)
        widths[i] += grown
        spare -= grown
    shares = sum(columns[i].flex for i in shown)
    given = 0
    for i in shown:
        given += columns[i].flex
        widths[i] += spare * given // shares - spare * (given - columns[i].flex) // shares if shares else 0
    return [Fit(i, columns[i], widths[i]) for i in shown]


def needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    """Cells that the shown columns take at least, gaps included."""
    return sum(columns[i].width + GAP for i in shown) - (GAP if shown else 0)


def spread(fits: Sequence[Fit], row: Sequence[Cell]) -> list[tuple[Fit, Cell]]:
    """The shown cells of a row with their places; one that is too long runs on over empty ones after it."""
    placed: list[tuple[Fit, Cell]] = []
    covered = 0
    for at, f in enumerate(fits):
        if at < covered:
            continue
        width, covered = f.width, at + 1
        while cell_len(row[f.index].text) > width and covered < len(fits) and not row[fits[covered].index].text:
            width += GAP + fits[covered].width
            covered += 1
        cell = row[f.index]
        if cell.name is not None and cell_len(cell.text) > width:
            cell = Cell(cell.name.within(width), cell.tone)
        placed.append((Fit(f.index, f.column, width), cell))
    return placed


@cache
def place_of(column: int) -> Style:
    """What tells a column's cells from their neighbours, so that a picture of the screen keeps each in its place."""
    return Style.from_meta({"column": column})


def pad(text: str, width: int, right: bool, name: bool = False) -> str:
    """The text in exactly `width` cells, cut with … where it is longer."""
    text = keep_ends(text, width) if name else text
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + "…" if width > 0 else ""
    return " " * (width - length) + text if right else set_cell_size(text, width)
