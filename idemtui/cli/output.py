"""How facts leave the command line: JSON for programs, a table for people; text from models only ever as text."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from idemtui.text import one_line, plain

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod

Record = Mapping[str, Any]
NUMERIC = re.compile(r"[+−-]?[\d.]+(e[+-]?\d+)?|–")


def terminal() -> Console:
    """A rich console on stdout that interprets nothing in what it is given."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner on stderr while something takes long; nothing where stderr is no terminal."""
    from rich.console import Console

    console = Console(stderr=True, markup=False)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


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


def print_table(
    columns: Sequence[str], rows: Sequence[Record], *, empty: str = "nothing there", cut: Sequence[str] = ()
) -> None:
    """A table as wide as the terminal, the columns in `cut` on one line each; off a terminal nothing is folded or cut."""
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
        right = all(looks_numeric(row[name]) for row in rows)
        overflow: OverflowMethod = "ellipsis" if name in cut else "fold"
        table.add_column(
            Text(name), justify="right" if right else "left", overflow=overflow, no_wrap=right or name in cut
        )
    for row in rows:
        table.add_row(*[Text(cell(row[name])) for name in columns])
    console.print(table)


def looks_numeric(value: object) -> bool:
    """Whether a cell holds a number or the sign for none."""
    return NUMERIC.fullmatch(cell(value)) is not None


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


def number(value: float) -> str:
    """A float for people: four significant digits."""
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def print_text(text: str, indent: str = "  ") -> None:
    """A model's text in full, harmless, indented."""
    for line in plain(text).split("\n"):
        sys.stdout.write(f"{indent}{line}\n")
