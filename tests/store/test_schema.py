from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import LabError
from store.database import open_database
from store.ingest import Ingest
from store.schema import Migration, check_version, migrate, migrations, schema_version
from tests.store.journals import DEMO, write_lab
from tests.store.tables import memory


def test_migrations_are_numbered_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("oldest", range(1, len(migrations())))
def test_every_older_schema_becomes_the_newest(tmp_path: Path, oldest: int) -> None:
    path = tmp_path / "lab.duckdb"
    connection = open_database(path)
    migrate(connection, "lab", migrations()[:oldest])
    connection.close()
    connection = open_database(path)
    assert [step.version for step in migrate(connection, "lab")] == list(range(oldest + 1, len(migrations()) + 1))
    assert schema_version(connection) == len(migrations())
    assert Ingest(connection, write_lab(tmp_path / "lab", DEMO[:1])).poll() > 100


def test_migrating_again_changes_nothing() -> None:
    assert migrate(memory(), "lab") == []


def test_a_migration_that_fails_leaves_nothing() -> None:
    connection = memory()
    version = schema_version(connection)
    broken = Migration(version + 1, "broken", "CREATE TABLE half (i INTEGER); SELECT * FROM nowhere;")
    with pytest.raises(LabError, match=r"migration \d+ \(broken\) failed, nothing was changed"):
        migrate(connection, "lab", (*migrations(), broken))
    assert schema_version(connection) == version
    assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchall() == [(0,)]


def test_a_lab_of_a_newer_version_is_refused_in_one_line() -> None:
    connection = memory()
    connection.execute("INSERT INTO migrations VALUES (99, 'future', TIMESTAMP '2027-01-01')")
    for use in (migrate, check_version):
        with pytest.raises(LabError, match="made by a newer idemtui \\(schema 99") as caught:
            use(connection, "lab")
        assert "\n" not in str(caught.value)


def test_the_t_quantile_of_the_views_is_the_t_quantile() -> None:
    from store.intervals import t_quantile

    connection = memory()
    for degrees in (1, 2, 11, 30, 31, 60, 500):
        [(found,)] = connection.execute("SELECT t90(?)", [degrees]).fetchall()
        assert found == pytest.approx(t_quantile(degrees), abs=2e-6)
    assert connection.execute("SELECT t90(0)").fetchall() == [(None,)]
