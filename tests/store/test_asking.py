"""Questions that would never end, answers that nobody reads, and answers larger than memory should hold."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pyarrow import flight

from engine.errors import QueryError
from store.client import Client, connect
from store.lab import Lab, create_lab, find_lab
from store.rebuild import rebuild
from store.service import LabService
from store.wire import pack
from tests.store.journals import Chain, append_events, chain_events, chain_spec, replicates, write_chain, write_lab

ENDLESS = "WITH RECURSIVE a(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM a) SELECT count(*) FROM a"
LONG = "SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 9"
Served = tuple[Lab, Client]


def wait_for(condition: object, seconds: float = 60.0) -> bool:
    assert callable(condition)
    ended = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        ended.wait(0.02)
    return bool(condition())


@pytest.mark.parametrize("query", [ENDLESS, LONG])
def test_a_query_without_end_ends_at_its_time_limit(served: Served, query: str) -> None:
    with pytest.raises(QueryError, match=r"^the query took longer than 0.2 s; narrow it"):
        served[1].sql(query, seconds=0.2)
    with pytest.raises(QueryError, match=r"took longer than 0.2 s"):
        list(served[1].stream(query, seconds=0.2))
    assert served[1].sql("SELECT 1 AS x").rows() == [{"x": 1}]


def test_the_time_limit_holds_without_a_server_too(lab: Lab) -> None:
    rebuild(lab)
    with connect(lab) as client, pytest.raises(QueryError, match=r"took longer than 0.2 s"):
        client.sql(ENDLESS, seconds=0.2)


def test_the_servers_own_limit_is_settable(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    service = LabService(lab, query_seconds=0.2)
    service.start()
    try:
        with connect(lab) as client, pytest.raises(QueryError, match=r"took longer than 0.2 s"):
            client.sql(LONG)
    finally:
        assert service.close()


def test_an_answer_streams_with_its_columns_first(served: Served) -> None:
    _, client = served
    batches = list(client.stream("SELECT * FROM range(30000) WHERE range >= ?", [10]))
    assert batches[0].num_rows == 0
    assert sum(batch.num_rows for batch in batches) == 29_990
    assert batches[0].schema.names == ["range"]
    early: Iterator[object] = client.stream("SELECT i, repeat('x', 100) FROM range(1000000000) r(i)")
    assert next(early) is not None
    assert next(early) is not None
    early.close()  # type: ignore[attr-defined]
    assert client.sql("SELECT 1 AS x").rows() == [{"x": 1}]


def test_streams_without_a_server(lab: Lab) -> None:
    rebuild(lab)
    with connect(lab) as client:
        batches = list(client.stream("SELECT name FROM runs"))
        assert sum(batch.num_rows for batch in batches) == 7


@pytest.mark.parametrize(
    "query",
    [
        "EXPLAIN ANALYZE DELETE FROM runs",
        "COPY runs TO '{folder}/out.csv'",
        "SET threads = 1",
        "ATTACH '{folder}/other.duckdb'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('{folder}/secret')",
        "SELECT * FROM '{folder}/secret.csv'",
    ],
)
def test_the_fence_stands_at_the_socket(served: Served, tmp_path: Path, query: str) -> None:
    for ask in (served[1].sql, lambda text: list(served[1].stream(text))):
        with pytest.raises(QueryError) as caught:
            ask(query.format(folder=tmp_path))
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_stops_reading_loses_its_answer_and_its_cursor(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    service = LabService(lab, stall_seconds=0.3)
    service.start()
    try:
        lazy = flight.connect(f"grpc+unix://{lab.socket}")
        ticket = {"sql": "SELECT i, repeat('x', 200) FROM range(10000000) r(i)", "query_id": "lazy"}
        reader = lazy.do_get(flight.Ticket(pack(ticket)))
        assert reader.read_chunk().data.num_rows
        question = service.questions.find("lazy")
        assert question is not None
        assert wait_for(lambda: question._reader is None)
        with connect(lab) as client:
            assert client.sql("SELECT 1 AS x").rows() == [{"x": 1}]
        with pytest.raises(flight.FlightError, match="was not read for"):
            reader.read_all()
        assert wait_for(lambda: len(service.questions) == 0)
    finally:
        assert service.close()


SERVER = """
import sys
from store.lab import find_lab
from store.service import LabService
service = LabService(find_lab(sys.argv[1]))
service.start()
print("up", flush=True)
sys.stdin.readline()
service.close()
"""


def test_a_million_rows_pass_in_bounded_memory(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    command = [sys.executable, "-c", SERVER, str(lab.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        process = psutil.Process(server.pid)
        with connect(lab) as client:
            list(client.stream("SELECT i, repeat('x', 250) AS s FROM range(1000) r(i)"))
            before = highest = process.memory_info().rss
            rows = 0
            for batch in client.stream("SELECT i, repeat('x', 250) AS s FROM range(1000000) r(i)"):
                rows += batch.num_rows
                highest = max(highest, process.memory_info().rss)
        server.stdin.write("end\n")
        server.stdin.close()
        server.wait(60)
    assert rows == 1_000_000
    assert highest - before < 150 << 20


def test_forgotten_runs_leave_no_row(tmp_path: Path) -> None:
    chains = [*replicates(3, drift=4.0), Chain("other", prompts=2, draws=1)]
    lab = write_lab(tmp_path / "lab", chains)
    gone = chain_spec(chains[0]).run_id
    service = LabService(lab, poll_seconds=30)
    service.start()
    try:
        with connect(lab) as client:
            assert client.sync(60)
            assert wait_for(lambda: len(client.sql("SELECT * FROM verdicts WHERE scope = 'cell'")) == 1)
            before = client.changes().version
            lab.run(gone).rename(lab.root / "gone")
            service.tail.forget([gone])
            assert client.changes(before).runs == (gone,)
            for table in ("runs", "samples", "scores", "events", "journals", "verdicts", "cycle_means"):
                assert len(client.sql(f"SELECT * FROM {table} WHERE run_id = ?", [gone])) == 0, table
            assert client.sync(60)
            cell = client.sql("SELECT replicates FROM verdicts WHERE scope = 'cell' AND study = 'cells'").rows()
            assert cell == [{"replicates": 2}]
            (lab.root / "gone").rename(lab.run(gone))
            assert client.sync(60)
            assert len(client.sql("SELECT * FROM runs")) == 4
    finally:
        assert service.close()


def test_a_full_disk_holds_ingest_up_and_loses_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        lab = create_lab(find_lab(small / "lab"))
        run_id = write_chain(lab, Chain("first", status="running"))
        service = LabService(lab, poll_seconds=0.05)
        service.start()
        with connect(lab) as client:
            assert client.sync(60)
            count = len(list(chain_events(Chain("second"))))
            ballast = small / "ballast"
            _fill(ballast)
            held: Lab = find_lab(tmp_path / "elsewhere")
            create_lab(held)
            second = write_chain(held, Chain("second"))
            lab.run(second).symlink_to(held.run(second))
            assert wait_for(lambda: client.changes().trouble is not None)
            assert "no room left on the disk" in str(client.changes().trouble)
            ballast.unlink()
            assert wait_for(lambda: client.changes().trouble is None)
            assert client.sync(60)
            query = "SELECT count(*) AS n, count(DISTINCT seq) AS seqs FROM events WHERE run_id = ?"
            assert client.sql(query, [second]).rows() == [{"n": count, "seqs": count}]
            append_events(lab.run(run_id), [next(chain_events(Chain("first")))])
            assert client.sync(60)
        assert service.close()
        rebuilt = rebuild(lab)
        assert (rebuilt.runs, rebuilt.errors) == (2, ())
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
