"""Groups of runs as charts: curves with bands, paths through trait and coherence, and the matrix of traits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from idemtui.console.charts import COLOURS, MARKERS, Bounds, Chart, Series
from idemtui.console.facts import BASE
from idemtui.console.words import by_words, generation
from store.compare import Comparison, Group, GroupPoint, MatrixCell

Measure = Literal["trait", "coherence", "delta"]
Place = tuple[float, float]
ARROWS = "→↗↑↖←↙↓↘"
LONG_WAY = 8.0
"""Points of score that a step must be long to carry an arrow."""


@dataclass(frozen=True)
class Compared:
    """What Compare shows: groups of runs, and every trait that their answers were scored on."""

    comparison: Comparison
    matrix: tuple[MatrixCell, ...] = ()
    judge: str = ""
    """Whose scores these are, where somebody chose."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups in their order."""
        return self.comparison.groups

    @property
    def traits(self) -> tuple[str, ...]:
        """The traits that were scored, in the order of their names."""
        return tuple(sorted({cell.trait for cell in self.matrix}))

    def value(self, group: str, cycle: int, trait: str) -> float | None:
        """A group's mean score on a trait at a generation."""
        found = (c.value for c in self.matrix if (c.group, c.cycle, c.trait) == (group, cycle, trait))
        return next(found, None)


def marker(index: int) -> str:
    """The sign of a group, by its place."""
    return MARKERS[index % len(MARKERS)]


def colour(index: int) -> str:
    """The colour of a group, by its place."""
    return COLOURS[index % len(COLOURS)]


def drawn(groups: Sequence[Group], chosen: int) -> list[tuple[int, Group]]:
    """The groups that one chart can tell apart, with their places: those about the chosen one where there are more."""
    start = max(min(chosen - len(MARKERS) // 2, len(groups) - len(MARKERS)), 0)
    return list(enumerate(groups))[start : start + len(MARKERS)]


def curves_chart(groups: Sequence[Group], chosen: int, measure: Measure, judge: str = "") -> Chart:
    """A measure's mean over generations; the chosen group's interval is a band, the others' are bars.

    `judge` is named in the title, where the scores are those of one that somebody chose.
    """
    shown = drawn(groups, chosen)
    series = tuple(_curve(group, index, measure, index == chosen) for index, group in shown)
    last = max((point.cycle for _, group in shown for point in group.points), default=0)
    ticks = tuple((float(cycle), generation(cycle)) for cycle in range(BASE, last + 1))
    title = {"trait": "trait", "coherence": "coherence", "delta": "Δ since M0"}[measure] + by_words(judge)
    banded = any(one.band for one in series)
    note = "  ░ 90 % over the runs of the group under the cursor" if banded else ""
    return Chart(title + note, series, (), ticks, None if measure == "delta" else (0, 100))


def _curve(group: Group, index: int, measure: Measure, chosen: bool) -> Series:
    points = tuple((float(p.cycle), value) for p in group.points if (value := getattr(p, measure)) is not None)
    bounds = tuple(bound for p in group.points if (bound := _bounds(p, measure)) is not None)
    return Series(
        group.name,
        points,
        () if chosen else bounds,
        marker(index),
        colour(index),
        front=chosen,
        band=bounds if chosen else (),
    )


def _bounds(point: GroupPoint, measure: Measure) -> Bounds | None:
    low, high = getattr(point, f"{measure}_low"), getattr(point, f"{measure}_high")
    return None if low is None or high is None else (float(point.cycle), low, high)


def path_chart(groups: Sequence[Group], chosen: int, judge: str = "") -> Chart:
    """Each group's way through trait (across) and coherence (up); the chosen one's generations are numbered."""
    series = tuple(_path(group, index, index == chosen) for index, group in drawn(groups, chosen))
    lowest = min((y for one in series for _, y in one.points), default=0.0)
    ticks = tuple((float(x), str(x)) for x in range(0, 101, 25))
    return Chart(
        "coherence ↑ over trait →" + by_words(judge),
        series,
        (),
        ticks,
        (max(25 * math.floor((lowest - 5) / 25), 0), 100),
    )


def _path(group: Group, index: int, chosen: bool) -> Series:
    held = [(p.cycle, p.trait, p.coherence) for p in group.points if p.trait is not None and p.coherence is not None]
    points = tuple((trait, coherence) for _, trait, coherence in held)
    ways = [(*middle(a, b), arrow(a, b)) for a, b in pairwise(points) if math.dist(a, b) >= LONG_WAY]
    stops = [(trait, coherence, cycle_sign(cycle)) for cycle, trait, coherence in held if chosen]
    if points and not chosen:
        stops = [(*points[-1], marker(index))]
    return Series(group.name, points, (), marker(index), colour(index), front=chosen, signs=(*ways, *stops))


def middle(start: Place, end: Place) -> Place:
    """The place half way."""
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2


def arrow(start: Place, end: Place) -> str:
    """The arrow that points from one place to another, one of eight."""
    turn = math.atan2(end[1] - start[1], end[0] - start[0]) / (math.pi / 4)
    return ARROWS[round(turn) % len(ARROWS)]


def cycle_sign(cycle: int) -> str:
    """A generation in one cell: b for base, else the last digit of its number."""
    return "b" if cycle == BASE else str(cycle % 10)
