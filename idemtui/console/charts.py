"""Curves as text: plain series in, a rich Text of an exact size out; plotext is imported by the first drawing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from idemtui.console.facts import AMPLIFIED, BASE, Run, Trace
from idemtui.console.words import generation

MARKERS = ("●", "○", "■", "□", "▲", "△", "◆", "◇")
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
}
GREY = 8
STYLES = {name: f"color({code})" for name, code in CODES.items()}
"""The same colours in rich's words."""
_LOCK = threading.Lock()
"""plotext keeps module-wide state."""


@dataclass(frozen=True)
class Series:
    """One curve: points that exist, intervals (x, low, high), its sign and colour."""

    name: str
    points: tuple[tuple[float, float], ...]
    intervals: tuple[tuple[float, float, float], ...] = ()
    marker: str = MARKERS[0]
    colour: str = COLOURS[0]
    dots: bool = True


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
    empty: str = "nothing measured yet"


def trait_chart(runs: Sequence[Run], chosen: Run | None) -> Chart:
    """Trait over generations: all runs, the chosen one with intervals, its seed line and the paper's +15 line."""
    levels: tuple[Level, ...] = ()
    if chosen and chosen.seeded is not None:
        levels = (Level(chosen.seeded, "s(M0)"), Level(chosen.seeded + AMPLIFIED, "+15"))
    names = {run.trait for run in runs}
    title = f"trait: {names.pop()}" if len(names) == 1 else "trait"
    return Chart(
        title,
        tuple(_series(run, index, "trait", run is chosen) for index, run in enumerate(runs)),
        tuple(level for level in levels if level.y <= 100),
        cycle_ticks(runs),
        (0, 100),
    )


def coherence_chart(runs: Sequence[Run], chosen: Run | None) -> Chart:
    """Coherence over generations."""
    return Chart(
        "coherence",
        tuple(_series(run, index, "coherence", run is chosen) for index, run in enumerate(runs)),
        (),
        cycle_ticks(runs),
        (0, 100),
    )


def _series(run: Run, index: int, measure: str, chosen: bool) -> Series:
    found = [(point, getattr(point, measure)) for point in run.points]
    points = tuple((float(point.cycle), float(value)) for point, value in found if value is not None)
    intervals: tuple[tuple[float, float, float], ...] = ()
    if chosen and measure == "trait":
        intervals = tuple(
            (float(p.cycle), p.low, p.high) for p in run.points if p.low is not None and p.high is not None
        )
    return Series(run.name, points, intervals, MARKERS[index % len(MARKERS)], COLOURS[index % len(COLOURS)])


def cycle_ticks(runs: Sequence[Run]) -> tuple[tuple[float, str], ...]:
    """A tick for every planned generation."""
    last = max((run.cycles for run in runs), default=0)
    return tuple((float(cycle), generation(cycle)) for cycle in range(BASE, last + 1))


def trace_chart(trace: Trace | None, starts: Sequence[tuple[float, int]], name: str) -> Chart:
    """A logged quantity of all trainings in a row, a tick where each cycle's training begins."""
    if trace is None:
        return Chart(name, empty="not logged yet")
    ticks = tuple((at, generation(cycle)) for at, cycle in starts)
    return Chart(name, (Series(name, trace.values, dots=False),), (), ticks)


def draw(chart: Chart, width: int, height: int) -> Text:
    """The chart in exactly `height` lines of at most `width` cells."""
    if not any(series.points for series in chart.series) or width < 20 or height < 6:
        return _placeholder(chart, width, height)
    with _LOCK:
        return _drawn(chart, width, height)


def _placeholder(chart: Chart, width: int, height: int) -> Text:
    lines = [""] * max(height, 1)
    lines[0] = f" {chart.title}"
    if height > 2:
        lines[height // 2] = chart.empty.center(width)
    text = Text("\n".join(lines), no_wrap=True, end="")
    text.stylize("bold", 0, len(lines[0]))
    return text


def _drawn(chart: Chart, width: int, height: int) -> Text:
    from plotext._figure import _figure_class

    figure = _figure_class()
    figure.theme("clear")
    figure._limit_size(False, False)
    figure.plot_size(width, height - 1)
    figure.xaxes(True, False)
    figure.yaxes(True, False)
    left, right = _x_range(chart)
    figure.xlim(left, right)
    low, high = chart.y_range or _y_range(chart)
    figure.ylim(low, high)
    _set_ticks(figure, chart, width, height, low, high)
    for level in chart.levels:
        figure.plot([left, right], [level.y, level.y], marker="╌", color=GREY)
        figure.text(level.word, right, level.y, color=GREY, alignment="right")
    for series in reversed(chart.series):
        _draw_series(figure, series)
    body = Text.from_ansi(figure.build(), no_wrap=True, end="")
    title = Text(f" {chart.title}", "bold", no_wrap=True, end="")
    return Text("\n", no_wrap=True, end="").join([title, *body.split("\n")[: height - 1]])


def _draw_series(figure: Any, series: Series) -> None:
    colour = CODES[series.colour]
    xs, ys = [x for x, _ in series.points], [y for _, y in series.points]
    for x, low, high in series.intervals:
        figure.plot([x, x], [low, high], marker="│", color=colour)
    figure.plot(xs, ys, marker="braille", color=colour)
    if series.dots:
        figure.scatter(xs, ys, marker=series.marker, color=colour)


def _set_ticks(figure: Any, chart: Chart, width: int, height: int, low: float, high: float) -> None:
    step = 50 if height < 14 else 25
    if chart.y_range:
        marks = [float(y) for y in range(int(low), int(high) + 1, step)]
        figure.yticks(marks, [f"{mark:3.0f}" for mark in marks])
    else:
        marks = [low + (high - low) * part / 4 for part in range(5)]
        figure.yticks(marks, [short(mark) for mark in marks])
    ticks = thinned(chart.x_ticks, max((width - 5) // 4, 2))
    figure.xticks([x for x, _ in ticks], [word for _, word in ticks])


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
