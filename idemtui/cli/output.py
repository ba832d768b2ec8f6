"""How facts leave the command line: JSON for programs, a table for people; text from models only ever as text."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
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


def print_table(columns: Sequence[str], rows: Sequence[Record], *, empty: str = "nothing there") -> None:
    """A table for people, no wider than the terminal; off a terminal nothing is cut."""
    from rich.text import Text

    from idemtui.cli.table import layout

    if not rows:
        sys.stdout.write(f"{empty}\n")
        return
    console = terminal()
    width = console.width if console.is_terminal else None
    header, *lines = layout([one_line(n) for n in columns], [[cell(row[n]) for n in columns] for row in rows], width)
    sys.stdout.flush()
    console.print(Text(header, "bold" if console.is_terminal else "", no_wrap=True), soft_wrap=True)
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
