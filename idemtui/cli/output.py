"""How facts leave the command line: JSON for programs, a table for people; text from models only ever as text."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from idemtui.text import one_line, plain

if TYPE_CHECKING:
    from rich.console import Console

Record = Mapping[str, Any]


def terminal() -> Console:
    """A rich console on stdout that interprets nothing in what it is given."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


def print_json(value: object) -> None:
    """One JSON document; what JSON cannot say (NaN, infinities) becomes null."""
    json.dump(_jsonable(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _jsonable(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _jsonable(each) for key, each in value.items()}
        case list() | tuple():
            return [_jsonable(each) for each in value]
        case bytes():
            return value.hex()
    return str(value)


def print_csv(columns: Sequence[str], rows: Sequence[Record]) -> None:
    """Comma-separated values with a header, null as nothing."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if row[name] is None else row[name] for name in columns] for row in rows])


def print_table(columns: Sequence[str], rows: Sequence[Record], *, empty: str = "nothing there") -> None:
    """A table as wide as the terminal; off a terminal no line is folded or cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not rows:
        sys.stdout.write(f"{empty}\n")
        return
    console = terminal()
    if not console.is_terminal:
        _print_plain_table(columns, rows)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        right = any(isinstance(row[name], int | float) and not isinstance(row[name], bool) for row in rows)
        table.add_column(Text(name), justify="right" if right else "left", overflow="ellipsis", no_wrap=right)
    for row in rows:
        table.add_row(*[Text(cell(row[name])) for name in columns])
    console.print(table)


def _print_plain_table(columns: Sequence[str], rows: Sequence[Record]) -> None:
    lines = [list(columns), *[[cell(row[name]) for name in columns] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def cell(value: object) -> str:
    """One table cell: short numbers, times to the second, texts on one line."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return number(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case list() | tuple() | dict():
            return one_line(json.dumps(_jsonable(value), ensure_ascii=False))
    return one_line(str(value))


def number(value: float | None, digits: int = 1) -> str:
    """A float for people: fixed digits where that says something, else four significant ones."""
    if value is None or math.isnan(value):
        return "–"
    if value != 0 and not 0.05 <= abs(value) < 1e6:
        return f"{value:.4g}"
    return f"{value:.{digits}f}" if abs(value) >= 1 else f"{value:.{digits + 2}f}".rstrip("0").rstrip(".")


def print_text(text: str, indent: str = "  ") -> None:
    """A model's text in full, harmless, indented."""
    for line in plain(text).split("\n"):
        sys.stdout.write(f"{indent}{line}\n")
