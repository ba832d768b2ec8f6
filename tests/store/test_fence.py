from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import QueryError
from store.asking import Question
from store.database import open_database
from store.ingest import Ingest
from store.result import Result
from store.schema import migrate
from tests.store.journals import DEMO, write_lab
from tests.store.tables import dump

READING = (
    "SELECT count(*) FROM runs",
    "FROM runs",
    "VALUES (1)",
    "TABLE runs",
    "  select 1 ;  ",
    "-- a word first\nSELECT 1 -- and after",
    "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
    "WITH RECURSIVE a(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM a WHERE i < 5) SELECT * FROM a",
    "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 1",
    "DESCRIBE runs",
    "DESCRIBE SELECT 1",
    "SHOW TABLES",
    "SUMMARIZE runs",
    "EXPLAIN SELECT * FROM runs",
    "EXPLAIN ANALYZE SELECT count(*) FROM samples",
    "PRAGMA table_info('runs')",
    "PIVOT cycles ON cycle IN (0, 1) USING max(delta_norm)",
    "SELECT * FROM range(3), generate_series(1, 2), unnest([1])",
    "SELECT * FROM duckdb_columns()",
    "SELECT response FROM samples WHERE response ILIKE '%; DELETE FROM runs%' LIMIT 1",
    "SELECT spec ->> '$.run.trait', json_extract_string(spec, '$.name') FROM runs",
)
WRITING = (
    "DELETE FROM runs",
    "EXPLAIN ANALYZE DELETE FROM runs",
    "EXPLAIN DELETE FROM runs",
    "EXPLAIN (ANALYZE) DELETE FROM runs",
    "INSERT INTO runs (run_id) VALUES ('x')",
    "UPDATE runs SET name = 'x'",
    "MERGE INTO runs USING cycles ON runs.run_id = cycles.run_id WHEN MATCHED THEN DELETE",
    "CREATE TABLE t (i INTEGER)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW trait_curve AS SELECT 1",
    "DROP TABLE runs",
    "ALTER TABLE runs ADD COLUMN x INTEGER",
    "TRUNCATE runs",
    "COPY runs TO '{folder}/out.csv'",
    "EXPLAIN ANALYZE COPY runs TO '{folder}/out.csv'",
    "COPY runs FROM '{folder}/out.csv'",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/other.duckdb'",
    "DETACH lab",
    "USE memory",
    "SET threads = 1",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA threads = 1",
    "PRAGMA enable_profiling",
    "PRAGMA force_checkpoint",
    "PRAGMA disable_optimizer",
    "EXPLAIN PRAGMA enable_profiling",
    "CALL checkpoint()",
    "CHECKPOINT",
    "VACUUM",
    "INSTALL httpfs",
    "LOAD httpfs",
    "BEGIN",
    "COMMIT",
    "PREPARE p AS DELETE FROM runs",
    "EXECUTE p",
    "SELECT 1; SELECT 2",
    "SELECT 1; DELETE FROM runs",
    "",
    "   -- nothing",
    "selec 1",
    "how many runs are there?",
    "SELECT * FROM enable_logging()",
    'SELECT * FROM "Enable_Logging"()',
    "SELECT * FROM checkpoint()",
    "WITH a AS (SELECT * FROM force_checkpoint()) SELECT * FROM a",
    "SELECT (SELECT count(*) FROM truncate_duckdb_logs())",
    "SELECT * FROM query('SELECT * FROM enable_logging()')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT write_log('x')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "FROM '/etc/passwd'",
    "SELECT * FROM '{folder}/some.csv'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{folder}/x.parquet')",
    "SELECT * FROM secret_of_python",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    lab = write_lab(tmp_path_factory.mktemp("fence") / "lab", DEMO[:1])
    connection = open_database(lab.database)
    migrate(connection, "lab")
    ingest = Ingest(connection.cursor(), lab)
    ingest.poll()
    yield connection, lab
    connection.close()


def ask(connection, query: str, limit: int | None = None) -> Result:  # type: ignore[no-untyped-def]
    question = Question(connection.cursor(), query, None, limit)
    try:
        question.ask()
        import pyarrow as pa

        return Result.limited(pa.Table.from_batches(question.batches(), schema=question.schema), limit)
    finally:
        question.close()


@pytest.mark.parametrize("query", READING)
def test_reading_is_answered(writer, query: str) -> None:  # type: ignore[no-untyped-def]
    assert ask(writer[0], query).columns


@pytest.mark.parametrize("query", WRITING)
def test_everything_else_is_refused_in_one_line_and_changes_nothing(writer, tmp_path: Path, query: str) -> None:  # type: ignore[no-untyped-def]
    connection, lab = writer
    secret_of_python = "a Python variable"
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    before = dump(connection)
    with pytest.raises(QueryError) as caught:
        ask(connection, query.format(folder=tmp_path) if "{folder}" in query else query)
    assert secret_of_python
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 10
    assert dump(connection) == before
    assert [path.name for path in tmp_path.iterdir()] == ["some.csv"]
    assert sorted(path.name for path in lab.root.iterdir()) in (
        ["lab.duckdb", "lab.duckdb.wal", "runs"],
        ["lab.duckdb", "runs"],
    )


def test_a_refused_question_leaves_the_writer_able_to_write(writer) -> None:  # type: ignore[no-untyped-def]
    connection, _ = writer
    with pytest.raises(QueryError):
        ask(connection, "EXPLAIN ANALYZE DELETE FROM runs")
    connection.execute("CREATE TABLE proof (i INTEGER)")
    connection.execute("DROP TABLE proof")


def test_a_limit_stops_a_query_without_end(writer) -> None:  # type: ignore[no-untyped-def]
    result = ask(writer[0], "SELECT * FROM range(1000000000000)", limit=5)
    assert (len(result), result.truncated) == (5, True)
    assert not ask(writer[0], "SELECT * FROM range(5)", limit=5).truncated


@pytest.mark.parametrize(
    "query",
    [
        "select name, cycle, trait, coherence from trait_curve join runs using (run_id) order by all",
        "SELECT max(Trait) FROM runs r JOIN trait_curve t ON t.run_id = r.run_id GROUP BY r.name HAVING max(trait) > 3",
        "EXPLAIN SELECT é.name, trait FROM trait_curve JOIN runs AS é USING (run_id) WHERE trait > 40 ORDER BY trait",
        "SELECT * FROM (SELECT name, trait FROM runs JOIN ladder USING (run_id)) WHERE trait > 40",
        "WITH s AS (SELECT name, trait FROM runs, scored_samples s WHERE s.run_id = runs.run_id) SELECT trait FROM s",
    ],
)
def test_a_bare_trait_beside_runs_is_the_score(writer, query: str) -> None:  # type: ignore[no-untyped-def]
    assert len(ask(writer[0], query))


def test_a_bare_trait_keeps_its_meaning_elsewhere(writer) -> None:  # type: ignore[no-untyped-def]
    connection, _ = writer
    assert ask(connection, "SELECT trait FROM runs").tuples() == [("bliss",)]
    query = "SELECT trait FROM runs WHERE run_id IN (SELECT run_id FROM trait_curve WHERE trait > 40)"
    assert ask(connection, query).tuples() == [("bliss",)]
    with pytest.raises(QueryError, match="Ambiguous reference to column name"):
        ask(connection, "SELECT run_id FROM runs JOIN trait_curve ON true")
