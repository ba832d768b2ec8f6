"""How facts leave the command line: JSON for programs, a table for people; text from models only ever as text."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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


def may_be_terminal() -> bool:
    """Whether stdout is a terminal, or something asks to treat it as one: only then is rich worth loading."""
    return sys.stdout.isatty() or not {"FORCE_COLOR", "TTY_COMPATIBLE", "JUPYTER_COLUMNS"}.isdisjoint(os.environ)


def tell(line: str) -> None:
    """One line for the person, on stderr: never in the way of what a program reads on stdout."""
    sys.stderr.write(f"idemtui: {one_line(line)}\n")


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


DRIVING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
"""What a terminal may obey or show out of order, beside the controls that JSON escapes anyway."""


def print_json(value: object) -> None:
    """One JSON document; what JSON cannot say (NaN, infinities) becomes null."""
    sys.stdout.write(escaped(json.dumps(_jsonable(value), ensure_ascii=False, indent=2)) + "\n")


def escaped(document: str) -> str:
    """The same JSON with everything that a terminal could obey escaped by its number: nothing of it is lost."""
    return DRIVING.sub(lambda found: json.dumps(found[0])[1:-1], document)


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


def print_rows_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One JSON array, an object a line, written as the rows come."""
    before = "[\n"
    for row in rows:
        record = _jsonable(dict(zip(columns, row, strict=True)))
        sys.stdout.write(f"{before}{escaped(json.dumps(record, ensure_ascii=False))}")
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def print_rows_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Comma-separated values with a header, null as nothing, written as the rows come; harmless on a terminal."""
    from idemtui.sql.columns import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    shown = plain if sys.stdout.isatty() else str
    writer.writerow(map(shown, columns))
    cells = (map(csv_cell, row) for row in rows)
    writer.writerows([shown(cell) if isinstance(cell, str) else cell for cell in row] for row in cells)


def print_table(
    columns: Sequence[str], rows: Sequence[Record], *, empty: str = "nothing there", spare: Sequence[str] = ()
) -> None:
    """A table for people, no wider than the terminal; off a terminal nothing is cut.

    Where the terminal is too narrow, `spare` columns are left out, the first first.
    """
    from idemtui.cli.table import layout

    if not rows:
        sys.stdout.write(f"{empty}\n")
        return
    cells = [[cell(row[name]) for name in columns] for row in rows]
    header = [one_line(name) for name in columns]
    if not may_be_terminal():
        sys.stdout.write("\n".join(layout(header, cells, None)) + "\n")
        return
    from rich.text import Text

    console = terminal()
    first, *lines = layout(header, cells, console.width if console.is_terminal else None, spare)
    console.print(Text(first, "bold" if console.is_terminal else "", no_wrap=True), soft_wrap=True)
    sys.stdout.write("\n".join(lines) + "\n")


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
