"""The schema, as ordered migrations: `migrations/NNNN_name.sql`, each applied with its record in one transaction.

A migration is never edited once released; the next one changes what it made.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources

import duckdb

from engine.errors import LabError

RECORDS = "CREATE TABLE IF NOT EXISTS migrations (version INTEGER, name VARCHAR, applied_at TIMESTAMP)"


@dataclass(frozen=True)
class Migration:
    """One step of the schema: its number, its name and its SQL."""

    version: int
    name: str
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All steps this program knows, in order."""
    folder = resources.files("store.migrations")
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return tuple(
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    )


def schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The last step applied to this database, 0 for a new one."""
    known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'migrations'").fetchone()
    if not known or not known[0]:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()
    return int(row[0]) if row else 0


def check_version(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    """Raise LabError where the database is newer than this program, or older than a reader can bear."""
    found, known = schema_version(connection), migrations()[-1].version
    _refuse_newer(found, known, where)
    if found < known:
        raise LabError(f"{where} has schema {found}, this program reads {known}; start `idemtui serve` to migrate it.")


def migrate(
    connection: duckdb.DuckDBPyConnection, where: str, steps: tuple[Migration, ...] | None = None
) -> list[Migration]:
    """Bring the database to the newest schema and return the steps applied; LabError where it is newer already."""
    steps = steps or migrations()
    found = schema_version(connection)
    _refuse_newer(found, steps[-1].version, where)
    applied = [step for step in steps if step.version > found]
    for step in applied:
        _apply(connection, step, where)
    if applied:
        connection.execute("CHECKPOINT")
    return applied


def _apply(connection: duckdb.DuckDBPyConnection, step: Migration, where: str) -> None:
    connection.execute("BEGIN TRANSACTION")
    try:
        connection.execute(RECORDS)
        connection.execute(step.sql)
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", [step.version, step.name, now])
        connection.execute("COMMIT")
    except duckdb.Error as error:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        first = str(error).strip().splitlines()[0]
        raise LabError(
            f"{where}: migration {step.version} ({step.name}) failed, nothing was changed: {first}"
        ) from None


def _refuse_newer(found: int, known: int, where: str) -> None:
    if found > known:
        raise LabError(
            f"{where} was made by a newer idemtui (schema {found}, this one knows {known}); "
            "upgrade idemtui, or use another lab with --lab PATH."
        )
