"""An answer in cells, lines and charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from idemtui.console.charts import COLOURS, MARKERS, Chart, Series
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.words import NONE
from idemtui.names import tell_apart
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.sql.plotting import Plot

NAME = 24
"""Cells of a series' name in a chart's legend."""
WIDEST = 60
MOST_DOTS = 60
"""Points of a series beyond which only its line is drawn."""


def columns_of(names: Sequence[str], numeric: frozenset[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """A column for each of the answer's, as wide as its first rows want."""
    return [_column(name, name in numeric, [row[at] for row in rows]) for at, name in enumerate(names)]


def _column(name: str, right: bool, values: Sequence[Any]) -> Column:
    width = max([len(name), 1, *(len(cell(value).text) for value in values)])
    return Column(one_line(name), min(width, WIDEST), right=right)


def cell(value: object) -> Cell:
    """One value in words: NULL as a dash, numbers short, text on one line."""
    if value is None:
        return Cell(NONE, "dim")
    if isinstance(value, float):
        return Cell(f"{value:.6g}")
    return Cell(one_line(str(value)[:1000]))


def answer_words(rows: int, seconds: float | None, *, cut: bool) -> str:
    """How many rows there are, so far or in all, and how long they took."""
    count = f"{rows:,} row{'' if rows == 1 else 's'}"
    if seconds is None:
        return f"{count} so far …  Esc stops it."
    words = f"the first {count}; a saved file holds all" if cut else count
    return f"{words}  {seconds * 1000:,.0f} ms"


def plot_chart(plot: Plot) -> tuple[Chart, str]:
    """The chart of a plot, and which sign is which series."""
    series = tuple(
        Series(name, points, (), MARKERS[at % len(MARKERS)], COLOURS[at % len(COLOURS)], dots=len(points) <= MOST_DOTS)
        for at, (name, points) in enumerate(plot.series)
    )
    ticks = plot.ticks or _ticks(plot)
    names = tell_apart([one_line(one.name) for one in series], NAME)
    signed = [f"{one.marker} {name}" for one, name in zip(series, names, strict=True)]
    legend = "  ".join(signed) if len(series) > 1 else ""
    more = f"  and {plot.left_out} more that are left out" if plot.left_out else ""
    title = f"{one_line(plot.y)} over {one_line(plot.x)}"
    return Chart(title, series, (), ticks), f"{title}   {legend}{more}"


def _ticks(plot: Plot) -> tuple[tuple[float, str], ...]:
    from idemtui.console.charts import round_marks, short

    xs = [x for _, points in plot.series for x, _ in points]
    low, high = min(xs, default=0.0), max(xs, default=1.0)
    if low == high:
        return ((low, short(low)),)
    marks = round_marks(low, high, 8)
    whole = all(x == int(x) for x in xs[:1000])
    return tuple((mark, short(mark)) for mark in marks if not whole or mark == int(mark))
