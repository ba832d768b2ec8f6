"""`sql`: people's own questions, answered while runs train."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import QueryError
from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from store.client import Client

Writer = Callable[[Sequence[str], Iterable[Sequence[Any]]], None]
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
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Time limit, 0 for none; by default the server's.")
    ] = None,
) -> None:
    """Ask the lab one SQL question: `idemtui sql "select name, status from runs"`. Ctrl-C cancels it."""
    from idemtui.cli.output import print_rows_csv, print_rows_json, tell
    from idemtui.cli.reading import open_client

    text = sys.stdin.read() if statement == "-" else statement
    with open_client(lab_of(context)) as client:
        try:
            if as_json or as_csv:
                _print_stream(client, text, limit, timeout, print_rows_json if as_json else print_rows_csv)
            else:
                _print_screen(client, text, ON_SCREEN if limit is None else limit, timeout)
        except QueryError as error:
            raise QueryError(str(error).replace("`seconds=`", "`--timeout`")) from None
        except KeyboardInterrupt:
            tell("the query was cancelled.")
            raise


def _print_screen(client: Client, text: str, most: int, timeout: float | None) -> None:
    from idemtui.cli.interrupting import heard
    from idemtui.cli.output import print_table

    query_id = new_id()
    asked = heard(client, query_id, lambda: iter([client.sql(text, limit=most, query_id=query_id, seconds=timeout)]))
    with closing(asked):
        answer = next(asked)
    columns = distinct(answer.columns)
    print_table(columns, [dict(zip(columns, row, strict=True)) for row in answer.tuples()], empty="no rows")
    if answer.truncated:
        sys.stdout.write(f"… more than {most} rows; --limit shows more.\n")


def _print_stream(client: Client, text: str, limit: int | None, timeout: float | None, write: Writer) -> None:
    """Rows as they come, never more than a few batches of them in memory."""
    from idemtui.cli.interrupting import heard

    query_id = new_id()
    with closing(heard(client, query_id, lambda: client.stream(text, query_id=query_id, seconds=timeout))) as batches:
        columns = distinct(next(batches).schema.names)
        write(columns, _rows(batches, sys.maxsize if limit is None else limit))


def _rows(batches: Iterator[Any], most: int) -> Iterator[Sequence[Any]]:
    left = most
    while left > 0 and (batch := next(batches, None)) is not None:
        batch = batch.slice(0, left)
        left -= batch.num_rows
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def new_id() -> str:
    """A name for one question, by which it can be cancelled."""
    return uuid.uuid4().hex


def distinct(columns: Sequence[str]) -> list[str]:
    """Column names, a second one of the same name marked as such."""
    met: dict[str, int] = {}
    names = []
    for name in columns:
        met[name] = met.get(name, 0) + 1
        names.append(name if met[name] == 1 else f"{name}_{met[name]}")
    return names
