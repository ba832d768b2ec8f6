"""`sql`: people's own questions, answered while runs train."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import QueryError, UsageError
from idemtui.cli.options import Json, lab_of
from idemtui.sql.columns import distinct

if TYPE_CHECKING:
    from store.client import Client

Writer = Callable[[Sequence[str], Iterable[Sequence[Any]]], None]
ON_SCREEN = 1000
"""Rows a terminal gets where nobody asks for another number."""


def sql(
    context: typer.Context,
    statement: Annotated[
        str,
        typer.Argument(
            metavar="STATEMENT", help="A reading statement, @NAME of a saved one, @ for their list, - for stdin."
        ),
    ],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the answer, whatever its size, to a Parquet file.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the answer: x, y and series are guessed.")] = False,
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

    if sum((as_json, as_csv, plot, parquet is not None)) > 1:
        raise UsageError("sql: --json, --csv, --parquet and --plot each say how the answer leaves; give one of them.")
    if statement == "@":
        _print_saved(as_json=as_json)
        return
    text = _text_of(statement)
    with open_client(lab_of(context)) as client:
        try:
            if parquet is not None:
                _write_parquet(client, text, parquet, limit, timeout)
            elif plot:
                _print_plot(client, text, limit, timeout)
            elif as_json or as_csv:
                _print_stream(client, text, limit, timeout, print_rows_json if as_json else print_rows_csv)
            else:
                _print_screen(client, text, ON_SCREEN if limit is None else limit, timeout)
        except QueryError as error:
            raise QueryError(str(error).replace("`seconds=`", "`--timeout`")) from None
        except KeyboardInterrupt:
            tell("the query was cancelled.")
            raise


def _text_of(statement: str) -> str:
    from idemtui.sql.saved import find

    if statement.startswith("@"):
        return find(statement[1:]).text
    return sys.stdin.read() if statement == "-" else statement


def _print_saved(*, as_json: bool) -> None:
    from idemtui.cli.output import print_json, print_table
    from idemtui.sql.saved import queries

    found = [{"name": q.name, "title": q.title, "own": q.own, "text": q.text} for q in queries()]
    if as_json:
        print_json(found)
    else:
        print_table(("name", "title", "own"), found)


def _write_parquet(client: Client, text: str, path: Path, limit: int | None, timeout: float | None) -> None:
    from idemtui.cli.interrupting import heard
    from idemtui.cli.output import tell
    from idemtui.sql.files import write_file

    if path.suffix != ".parquet":
        raise UsageError(f"sql: --parquet {path}; allowed: a file that ends in .parquet.")
    query_id = new_id()
    with closing(heard(client, query_id, lambda: client.stream(text, query_id=query_id, seconds=timeout))) as batches:
        rows = write_file(_limited(batches, sys.maxsize if limit is None else limit), path)
    tell(f"{rows:,} rows written to {path}")


def _limited(batches: Iterator[Any], most: int) -> Iterator[Any]:
    yield next(batches)
    left = most
    while left > 0 and (batch := next(batches, None)) is not None:
        yield batch.slice(0, left)
        left -= min(batch.num_rows, left)


def _print_plot(client: Client, text: str, limit: int | None, timeout: float | None) -> None:
    from idemtui.cli.output import terminal
    from idemtui.console.charts import draw
    from idemtui.console.sql_words import plot_chart
    from idemtui.sql.plotting import MOST_ROWS, plot_of

    answer = client.sql(text, limit=MOST_ROWS if limit is None else limit, query_id=new_id(), seconds=timeout)
    plot = plot_of(distinct(answer.columns), answer.tuples())
    if isinstance(plot, str):
        raise QueryError(plot)
    chart, words = plot_chart(plot)
    console = terminal()
    console.print(draw(chart, min(console.width, 120), 24))
    sys.stdout.write(f"{words}\n")


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
