"""`export`: what the lab holds of some runs, as a folder of Parquet or CSV files."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from store.client import Client

LONGEST = 100
"""Characters of a name that a folder is called by."""


def export(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="RUN|STUDY…", help="Runs, or studies with all their runs.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The new folder; by default NAME-export, here.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values instead of Parquet.")] = False,
    as_json: Json = False,
) -> None:
    """Write the runs' tables to files: settings, texts, scores, training, labels, curves, verdicts."""
    from idemtui.cli.comparing import run_ids
    from idemtui.cli.output import tell, waiting
    from idemtui.cli.reading import open_client
    from idemtui.sql.folder import check_new, write_folder
    from store.exported import EXPORTED

    folder, kind = to or Path(folder_name(what)), ".csv" if as_csv else ".parquet"
    check_new(folder)
    with open_client(lab_of(context)) as client:
        ids = run_ids(client, what)
        answers = {table: _asking(client, statement, ids) for table, statement in EXPORTED.items()}
        try:
            with waiting(f"writing {folder}"):
                rows = write_folder(answers, folder, kind)
        except KeyboardInterrupt:
            tell("the export was cancelled; nothing of it is left.")
            raise
    _tell(folder, ids, rows, as_json=as_json)


def folder_name(what: list[str]) -> str:
    """What the folder is called where nobody says: after the first name, in letters that any file system takes."""
    name = re.sub(r"[^\w.-]+", "-", what[0]).strip(".-")[:LONGEST]
    more = f"-and-{len(what) - 1}-more" if len(what) > 1 else ""
    return f"{name or 'runs'}{more}-export"


def _asking(client: Client, statement: str, ids: list[str]) -> Callable[[], Generator[Any, None, None]]:
    """Asks when it is called, without a time limit, and hears Ctrl-C while it waits."""
    from idemtui.cli.interrupting import heard
    from idemtui.cli.query import new_id

    def ask() -> Generator[Any, None, None]:
        query_id = new_id()
        return heard(client, query_id, lambda: client.stream(statement, {"runs": ids}, query_id=query_id, seconds=0))

    return ask


def _tell(folder: Path, ids: list[str], rows: dict[str, int], *, as_json: bool) -> None:
    from idemtui.cli.output import print_json, print_table
    from idemtui.text import one_line

    files = [{"file": file, "rows": count} for file, count in rows.items()]
    if as_json:
        print_json({"folder": str(folder), "runs": ids, "files": files})
        return
    sys.stdout.write(
        f"{one_line(str(folder))}: {len(ids)} {'run' if len(ids) == 1 else 'runs'} in {len(files)} files\n"
    )
    print_table(("file", "rows"), files)
