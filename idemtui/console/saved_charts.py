"""Charts as files: SVG for papers, text for everything else; drawn anew at a size of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from engine.errors import UsageError
from idemtui.console.charts import Chart, draw, style_of
from idemtui.text import one_line

WIDTH, HEIGHT = 100, 30
"""Cells of a saved chart."""
KINDS = (".svg", ".txt")


def save_charts(charts: Sequence[Chart], path: Path) -> str:
    """One file for each chart, of several with its title in its name; returns what was written in words.

    UsageError for another kind of file, one that is there already, or one that cannot be written.
    """
    if path.suffix not in KINDS:
        raise UsageError(f"{path}: the name says what is written; allowed: {' or '.join(KINDS)}.")
    paths = [path] if len(charts) == 1 else [path.with_stem(f"{path.stem}-{_slug(chart.title)}") for chart in charts]
    for chart, one in zip(charts, paths, strict=True):
        try:
            with one.open("x", encoding="utf-8") as file:
                file.write(chart_file(chart, one.suffix))
        except FileExistsError:
            raise UsageError(f"{one} is there already; choose another name or remove it.") from None
        except OSError as error:
            raise UsageError(f"{one}: cannot be written ({error.strerror}).") from None
    return f"written: {', '.join(map(str, paths))}"


def chart_file(chart: Chart, kind: str) -> str:
    """A chart's file, `.svg` or `.txt`, with which sign is whose: it is shown where no legend stands beside it."""
    text = draw(chart, WIDTH, HEIGHT).append_text(legend(chart))
    if kind == ".txt":
        return "\n".join(line.rstrip() for line in text.plain.split("\n")) + "\n"
    import io

    from rich.console import Console

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text)
    return console.export_svg(title=chart.title)


def legend(chart: Chart) -> Text:
    """A line for each curve's sign and name; none where the title names the only one."""
    text = Text()
    named = [series for series in chart.series if series.points]
    if len(named) == 1 and named[0].name in chart.title:
        return text
    for series in named:
        text.append(f"\n {series.marker} ", style_of(series.colour)).append(one_line(series.name))
    return text


def _slug(title: str) -> str:
    return re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")
