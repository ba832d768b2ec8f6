"""Runs overlaid in one chart: which of a study, and the legend that names them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from idemtui.console.charts import COLOURS, MARKERS, style_of
from idemtui.console.facts import Run
from idemtui.names import tell_apart
from idemtui.text import one_line

OVERLAID = len(MARKERS)
"""Runs that one chart can tell apart."""
INTERVAL = " │ 90 % interval of the underlined run"
NAME = 24
"""Cells of a name in the legend."""


def overlaid(study: Sequence[Run], chosen: Run) -> tuple[Run, ...]:
    """The runs of a study that have a curve, those about the chosen one where they are too many."""
    drawn = tuple(run for run in study if run.points or run is chosen)
    if len(drawn) <= OVERLAID:
        return drawn
    start = max(min(drawn.index(chosen) - OVERLAID // 2, len(drawn) - OVERLAID), 0)
    return drawn[start : start + OVERLAID]


def legend(runs: Sequence[Run], chosen: Run, width: int) -> Text:
    """Which sign is which run, in lines of at most `width` cells; the chosen run is underlined."""
    text = Text(end="")
    left = width
    names = tell_apart([one_line(run.name) for run in runs], NAME)
    for index, (run, name) in enumerate(zip(runs, names, strict=True)):
        needed = cell_len(name) + 4
        if needed > left:
            text.append("\n")
            left = width
        left -= needed
        text.append(f" {MARKERS[index % len(MARKERS)]} ", style_of(COLOURS[index % len(COLOURS)]))
        text.append(name, "underline" if run is chosen else "")
        text.append(" ")
    if left > len(INTERVAL):
        text.append(INTERVAL, "dim")
    return text
