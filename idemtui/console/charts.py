"""Curves as text: plain series in, a rich Text of an exact size out; plotext is imported by the first drawing."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from rich.text import Text

MARKERS = ("●", "○", "■", "□", "▲", "△", "◆", "◇")
INHERITED = "◦"
"""The sign of a generation that a fork took from its parent."""
COLOURS = ("cyan", "orange", "green", "magenta", "blue", "red", "yellow", "white")
# plotext's 256-colour numbers; the first is the chosen run's.
CODES = {
    "cyan": 6,
    "orange": 208,
    "green": 2,
    "magenta": 5,
    "blue": 4,
    "red": 1,
    "yellow": 3,
    "white": 7,
    "grey": 8,
}
GREY = CODES["grey"]
SHADE = "░"
Bounds = tuple[float, float, float]
LARGEST = 1e300
"""What is larger, infinite or no number has no place in a chart: a gradient's norm or an answer of SQL may be that."""
NOTHING = "nothing measured yet"
_LOCK = threading.Lock()
"""plotext keeps module-wide state."""


def style_of(colour: str) -> str:
    """A series' colour for words beside its chart."""
    return f"color({_code(colour)})"


def _code(colour: str) -> int:
    """Without colour every series is as bright as words: signs tell them apart, and dark ones could not be seen."""
    return CODES["white" if os.environ.get("NO_COLOR") and colour != "grey" else colour]


@dataclass(frozen=True)
class Series:
    """One curve: points that exist, intervals (x, low, high), its sign and colour."""

    name: str
    points: tuple[tuple[float, float], ...]
    intervals: tuple[Bounds, ...] = ()
    marker: str = MARKERS[0]
    colour: str = COLOURS[0]
    dots: bool = True
    front: bool = False
    """Drawn over the others."""
    inherited: int = 0
    """How many of the first points a fork took from its parent; they get a sign of their own."""
    band: tuple[Bounds, ...] = ()
    """(x, low, high): a shaded stretch behind the curves."""
    signs: tuple[tuple[float, float, str], ...] = ()
    """(x, y, sign): what stands on the curve, where the one marker would say too little."""


@dataclass(frozen=True)
class Level:
    """A horizontal line with a word at its right end."""

    y: float
    word: str


@dataclass(frozen=True)
class Chart:
    """Everything one drawing needs."""

    title: str
    series: tuple[Series, ...] = ()
    levels: tuple[Level, ...] = ()
    x_ticks: tuple[tuple[float, str], ...] = ()
    y_range: tuple[float, float] | None = None
    empty: str = NOTHING


def draw(chart: Chart, width: int, height: int) -> Text:
    """The chart in exactly `height` lines of at most `width` cells."""
    chart = replace(chart, series=tuple(replace(one, points=_drawable(one.points)) for one in chart.series))
    if not any(series.points for series in chart.series) or width < 20 or height < 6:
        return _placeholder(chart, width, height)
    with _LOCK:
        return _drawn(chart, width, height)


def _drawable(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in points if abs(x) < LARGEST and abs(y) < LARGEST)


def _placeholder(chart: Chart, width: int, height: int) -> Text:
    lines = [""] * max(height, 1)
    lines[0] = f" {chart.title}"
    if height > 2:
        lines[height // 2] = chart.empty.center(width)
    text = Text("\n".join(lines), no_wrap=True, end="")
    text.stylize("bold", 0, len(lines[0]))
    return text


@dataclass(frozen=True)
class Grid:
    """Where plotext puts things: its cells for words and signs are rounded otherwise than its braille dots.

    A sign is moved to the middle of the cell that holds its dot, so that it sits on its curve.
    """

    columns: int
    rows: int
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """A place across, for a sign."""
        return snapped(value, self.x_range, self.columns, 2)

    def y(self, value: float) -> float:
        """A height, for a sign."""
        return snapped(value, self.y_range, self.rows, 4)

    def between(self, left: Bounds, right: Bounds) -> list[tuple[float, float]]:
        """The middles of the cells between two neighbouring intervals, whose ends are joined by straight lines."""
        first, last = (cell_of(bound[0], self.x_range, self.columns, 2) for bound in (left, right))
        found = []
        for column in range(first, last + 1):
            share = (column - first) / max(last - first, 1)
            low, high = (cell_of(left[i] + (right[i] - left[i]) * share, self.y_range, self.rows, 4) for i in (1, 2))
            x = middle_of(column, self.x_range, self.columns)
            found += [(x, middle_of(row, self.y_range, self.rows)) for row in range(low, high + 1)]
        return found


def cell_of(value: float, limits: tuple[float, float], cells: int, dots: int) -> int:
    """The cell that holds a value's dot, `dots` of which make a cell; values outside take the outermost."""
    low, high = limits
    dot = math.floor(0.5 + (cells * dots - 1) * (value - low) / (high - low))
    return min(max(dot // dots, 0), cells - 1)


def middle_of(cell: int, limits: tuple[float, float], cells: int) -> float:
    """A cell's middle, in plotext's count."""
    return limits[0] + (limits[1] - limits[0]) * cell / max(cells - 1, 1)


def snapped(value: float, limits: tuple[float, float], cells: int, dots: int) -> float:
    """The middle, in plotext's count, of the cell that holds the value's dot."""
    return middle_of(cell_of(value, limits, cells, dots), limits, cells)


def _drawn(chart: Chart, width: int, height: int) -> Text:
    from plotext._figure import _figure_class

    y_range = chart.y_range or _y_range(chart)
    rows = height - 3
    ticks = _y_ticks(chart, height, rows, y_range)
    margin = max(len(word) for _, word in ticks) + 1
    grid = Grid(width - margin, rows, _x_range(chart), y_range)
    figure = _figure_class()
    figure.theme("clear")
    figure._limit_size(False, False)
    figure.plot_size(width, height - 1)
    figure.xaxes(True, False)
    figure.yaxes(True, False)
    figure.xlim(*grid.x_range)
    figure.ylim(*grid.y_range)
    figure.yticks([grid.y(mark) for mark, _ in ticks], [word for _, word in ticks])
    x_ticks = thinned(chart.x_ticks, max((width - 5) // 4, 2))
    figure.xticks([grid.x(x) for x, _ in x_ticks], [word for _, word in x_ticks])
    for series in chart.series:
        _draw_band(figure, grid, series)
    levels: dict[float, list[str]] = {}
    for level in chart.levels:
        levels.setdefault(grid.y(level.y), []).append(level.word)
    for y, words in levels.items():
        _draw_level(figure, grid, y, ", ".join(filter(None, words)))
    in_order = list(reversed(chart.series))
    in_order.sort(key=lambda series: series.front)
    for series in in_order:
        _draw_series(figure, grid, series)
    body = Text.from_ansi(figure.build(), no_wrap=True, end="")
    title = Text(f" {chart.title}", "bold", no_wrap=True, end="")
    return Text("\n", no_wrap=True, end="").join([title, *body.split("\n")[: height - 1]])


def _draw_level(figure: Any, grid: Grid, y: float, word: str) -> None:
    figure.plot(list(grid.x_range), [y, y], marker="╌", color=GREY)
    figure.text(word, grid.x_range[1], y, color=GREY, alignment="right")


def _draw_band(figure: Any, grid: Grid, series: Series) -> None:
    cells = [cell for left, right in pairwise(series.band) for cell in grid.between(left, right)]
    if cells:
        figure.scatter([x for x, _ in cells], [y for _, y in cells], marker=SHADE, color=_code(series.colour))


def _draw_series(figure: Any, grid: Grid, series: Series) -> None:
    colour = _code(series.colour)
    if not series.points:
        return
    for x, low, high in series.intervals:
        across = grid.x(x)
        figure.plot([across, across], [grid.y(low), grid.y(high)], marker="│", color=colour)
    figure.plot([x for x, _ in series.points], [y for _, y in series.points], marker="braille", color=colour)
    for x, y, sign in series.signs:
        figure.scatter([grid.x(x)], [grid.y(y)], marker=sign, color=colour)
    if series.dots and not series.signs:
        xs, ys = [grid.x(x) for x, _ in series.points], [grid.y(y) for _, y in series.points]
        for part, marker in ((slice(series.inherited), INHERITED), (slice(series.inherited, None), series.marker)):
            if xs[part]:
                figure.scatter(xs[part], ys[part], marker=marker, color=colour)


def _y_ticks(chart: Chart, height: int, rows: int, y_range: tuple[float, float]) -> list[tuple[float, str]]:
    """Numbers beside the chart, each in a row of its own: of two in one row plotext shows either."""
    low, high = y_range
    if chart.y_range:
        return [(float(y), f"{y:3d}") for y in range(int(low), int(high) + 1, 50 if height < 14 else 25)]
    most = max(height // 3, 2)
    ways = [round_marks(low, high, fewer) for fewer in range(most, 1, -1)]
    marks = next((marks for marks in ways if _apart(marks, y_range, rows)), [ways[-1][0], ways[-1][-1]])
    return [(mark, short(mark)) for mark in marks]


def _apart(marks: Sequence[float], y_range: tuple[float, float], rows: int) -> bool:
    return len({cell_of(mark, y_range, rows, 4) for mark in marks}) == len(marks)


def round_marks(low: float, high: float, most: int) -> list[float]:
    """About `most` round numbers between two values, 1, 2 or 5 times a power of ten apart; never fewer than two."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    finer, step = next((a * power, b * power) for a, b in pairwise((0.5, 1, 2, 5, 10)) if b * power >= rough)
    marks = _multiples(step, low, high)
    return marks if len(marks) > 1 else _multiples(finer, low, high)


def _multiples(step: float, low: float, high: float) -> list[float]:
    return [mark * step for mark in range(math.ceil(low / step), math.floor(high / step) + 1)]


def thinned(ticks: Sequence[tuple[float, str]], most: int) -> list[tuple[float, str]]:
    """At most `most` ticks, every second, third, … of them."""
    step = max(-(-len(ticks) // most), 1)
    return list(ticks[::step])


def short(value: float) -> str:
    """A number for an axis in at most six cells."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value / 1000:.3g}k"


def _x_range(chart: Chart) -> tuple[float, float]:
    xs = [x for x, _ in chart.x_ticks] + [x for series in chart.series for x, _ in series.points]
    left, right = min(xs), max(xs)
    room = (right - left or 1.0) * 0.04
    return left - room, right + room


def _y_range(chart: Chart) -> tuple[float, float]:
    ys = [y for series in chart.series for _, y in series.points]
    low, high = min(ys), max(ys)
    room = (high - low or abs(high) or 1.0) * 0.05
    return low - room, high + room
