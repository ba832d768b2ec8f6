"""A table as a chart without being asked how: x, y and series guessed from names, types and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

AXES = ("cycle", "step", "position", "seq", "draw", "n_seed", "n_sampled", "seed", "replicate", "ts", "created_at")
"""Columns that people put on an x axis, the likeliest first."""
KEYS = ("run_id", "seed", "replicate", "n", "nulls", "count")
"""Numbers that are seldom what a chart is about."""
MOST_SERIES = 8
MOST_POINTS = 20_000
MOST_ROWS = 200_000
"""Rows that a chart is made of."""


@dataclass(frozen=True)
class Plot:
    """What a chart needs: axis names, series of points, words for x where it holds none."""

    x: str
    y: str
    series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    ticks: tuple[tuple[float, str], ...] = ()
    left_out: int = 0
    """Series beyond what a chart can tell apart."""


def plot_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Plot | str:
    """The chart of these rows, or in one line why there is none."""
    if len(rows) < 2:
        return f"nothing to plot: the answer has {len(rows)} row{'' if len(rows) == 1 else 's'}, a curve needs two."
    kinds = [_kind(row[index] for row in rows) for index in range(len(columns))]
    numbers = [index for index, kind in enumerate(kinds) if kind == "number"]
    if not numbers:
        return f"nothing to plot: no column holds numbers ({', '.join(columns)})."
    x = _x(columns, kinds, numbers)
    ys = [index for index in numbers if index != x]
    if x is None:
        x = next((index for index, kind in enumerate(kinds) if kind == "word"), None)
    if not ys:
        return f"nothing to plot: {columns[numbers[0]]} is the only number and stands on the x axis."
    split = _split(kinds, rows, x)
    wanted = [index for index in ys if columns[index].lower() not in KEYS] or ys
    if split is None and len(wanted) > 1 and _alike(rows, wanted):
        return _curves(columns, rows, x, wanted)
    return _by_series(columns, rows, x, wanted[0], split)


def _kind(values: Any) -> str:
    """`number`, `time`, `word` or `other`, by the values that are there."""
    met = {type(value) for value in values if value is not None}
    if met and met <= {int, float, Decimal}:
        return "number"
    if met and all(issubclass(kind, date) for kind in met):
        return "time"
    return "word" if met <= {str, bool} and met else "other"


def _x(columns: Sequence[str], kinds: Sequence[str], numbers: Sequence[int]) -> int | None:
    able = [index for index, kind in enumerate(kinds) if kind in ("number", "time")]
    named = [index for name in AXES for index in able if columns[index].lower() == name]
    times = [index for index, kind in enumerate(kinds) if kind == "time"]
    if named or times:
        return (named or times)[0]
    return numbers[0] if len(numbers) > 1 and "word" not in kinds else None


def _split(kinds: Sequence[str], rows: Sequence[Sequence[Any]], x: int | None) -> int | None:
    """The first column of words that puts several rows into each of its series."""
    words = [index for index, kind in enumerate(kinds) if kind == "word" and index != x]
    return next((index for index in words if 1 < len({row[index] for row in rows}) < len(rows)), None)


def _alike(rows: Sequence[Sequence[Any]], wanted: Sequence[int]) -> bool:
    """Whether several columns can share an axis: the largest of each within a factor of twenty."""
    tops = [max((abs(float(row[i])) for row in rows if row[i] is not None), default=0.0) for i in wanted]
    return min(tops) > 0 and max(tops) / min(tops) <= 20


def _curves(columns: Sequence[str], rows: Sequence[Sequence[Any]], x: int | None, wanted: Sequence[int]) -> Plot:
    xs, ticks = _places(rows, x)
    series = tuple((columns[index], _points(xs, rows, index)) for index in wanted[:MOST_SERIES])
    return Plot(_name(columns, x), ", ".join(name for name, _ in series), series, ticks, len(wanted[MOST_SERIES:]))


def _by_series(columns: Sequence[str], rows: Sequence[Sequence[Any]], x: int | None, y: int, split: int | None) -> Plot:
    xs, ticks = _places(rows, x)
    if split is None:
        return Plot(_name(columns, x), columns[y], ((columns[y], _points(xs, rows, y)),), ticks)
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(str(row[split]), []).append(place)
    series = tuple(
        (name, _points([xs[p] for p in places], [rows[p] for p in places], y))
        for name, places in list(groups.items())[:MOST_SERIES]
    )
    return Plot(_name(columns, x), columns[y], series, ticks, max(len(groups) - MOST_SERIES, 0))


def _name(columns: Sequence[str], x: int | None) -> str:
    return "row" if x is None else columns[x]


def _places(rows: Sequence[Sequence[Any]], x: int | None) -> tuple[list[float | None], tuple[tuple[float, str], ...]]:
    if x is None:
        return [float(place) for place in range(len(rows))], ()
    values = [row[x] for row in rows]
    if any(isinstance(value, (str, bool)) for value in values):
        order = {word: float(place) for place, word in enumerate(dict.fromkeys(map(str, values)))}
        return [order[str(value)] for value in values], tuple((place, word[:12]) for word, place in order.items())
    times = sorted({value for value in values if isinstance(value, date)})
    if times:
        marks = times[:: max(len(times) // 6, 1)]
        return [_stamp(value) for value in values], tuple((_stamp(mark) or 0.0, _clock(mark)) for mark in marks)
    return [None if value is None else float(value) for value in values], ()


def _stamp(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value.toordinal()) if isinstance(value, date) else None


def _clock(value: date) -> str:
    return value.strftime("%H:%M") if isinstance(value, datetime) else value.isoformat()


def _points(xs: Sequence[float | None], rows: Sequence[Sequence[Any]], y: int) -> tuple[tuple[float, float], ...]:
    found = [(x, float(row[y])) for x, row in zip(xs, rows, strict=True) if x is not None and row[y] is not None]
    step = max(-(-len(found) // MOST_POINTS), 1)
    return tuple(sorted(point for point in found[::step] if all(map(isfinite, point))))
