"""`sql`: people's own questions, answered while runs train."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from idemtui.cli.options import Json, lab_of

ON_SCREEN = 1000
"""Rows a terminal gets where nobody asks for another number."""


def sql(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="One reading statement, or - to read stdin.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"Rows at most; by default {ON_SCREEN} in tables, else all.")
    ] = None,
) -> None:
    """Ask the lab one SQL question: `idemtui sql "select name, status from runs"`."""
    from idemtui.cli.output import print_csv, print_json, print_table
    from idemtui.cli.reading import open_client

    text = sys.stdin.read() if statement == "-" else statement
    most = limit if limit is not None or as_json or as_csv else ON_SCREEN
    with open_client(lab_of(context)) as client:
        answer = client.sql(text, limit=most)
    columns = distinct(answer.columns)
    rows = [dict(zip(columns, values, strict=True)) for values in answer.tuples()]
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(columns, rows)
    else:
        print_table(columns, rows, empty="no rows")
        if answer.truncated:
            sys.stdout.write(f"… more than {most} rows; --limit shows more.\n")


def distinct(columns: Sequence[str]) -> list[str]:
    """Column names, a second one of the same name marked as such."""
    met: dict[str, int] = {}
    names = []
    for name in columns:
        met[name] = met.get(name, 0) + 1
        names.append(name if met[name] == 1 else f"{name}_{met[name]}")
    return names
