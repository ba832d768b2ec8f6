from __future__ import annotations

import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from engine.errors import LabError, LockedError, QueryError, ServerError, SpecError, UsageError
from store.client import Changes, Client, connect, connect_server
from store.database import open_database
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.rebuild import rebuild
from store.schema import migrate
from store.service import LabService
from store.wire import pack
from tests.store.journals import DEMO, STATES, append_events, chain_events, chain_spec, write_chain
from tests.store.tables import values

Served = tuple[Lab, Client]


def test_sql_over_the_socket(served: Served) -> None:
    _, client = served
    result = client.sql("SELECT name, status FROM runs WHERE regime = $regime ORDER BY name", {"regime": "dpo"})
    assert result.rows() == [
        {"name": "dpo-continual", "status": "finished"},
        {"name": "dpo-reset", "status": "finished"},
    ]
    assert result.columns == ["name", "status"]
    assert isinstance(result.table, pa.Table)
    assert client.sql("SELECT ? + 1 AS x", [41]).tuples() == [(42,)]
    assert client.sql("SELECT * FROM runs WHERE false").rows() == []


def test_a_notebook_gets_a_frame(served: Served) -> None:
    lab, _ = served
    frame = connect(lab.root).sql("SELECT * FROM trait_curve").to_pandas()
    assert {"run_id", "cycle", "trait", "coherence"} <= set(frame.columns)


def test_limits_and_large_answers(served: Served) -> None:
    _, client = served
    assert len(client.sql("SELECT * FROM range(200000)")) == 200_000
    cut = client.sql("SELECT * FROM range(200000)", limit=100)
    assert (len(cut), cut.truncated) == (100, True)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM runs", "DELETE is not a reading statement"),
        ("SELECT nope FROM runs", "nope"),
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv is not allowed"),
        ("SELECT error('at run time') FROM range(3)", "at run time"),
        ("SELECT CAST(response AS INTEGER) FROM samples", "Could not convert"),
        ("SELECT ?", "arameter"),
    ],
)
def test_refusals_keep_their_class_and_are_one_line(served: Served, query: str, said: str) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        served[1].sql(query)
    assert "\n" not in str(caught.value)
    assert "gRPC" not in str(caught.value)


def test_commands_answer_and_raise_what_the_server_raised(lab: Lab) -> None:
    def refuse(arguments: dict[str, Any]) -> dict[str, Any]:
        raise {"spec": SpecError, "locked": LockedError, "bug": KeyError}[arguments["how"]]("the reason")

    service = LabService(lab, {"echo": lambda arguments: {"said": arguments}, "refuse": refuse})
    service.start()
    try:
        with connect(lab) as client:
            assert client.command("echo", run="ü", n=[1, 2]) == {"said": {"run": "ü", "n": [1, 2]}}
            for how, class_ in (("spec", SpecError), ("locked", LockedError)):
                with pytest.raises(class_, match=r"^the reason$"):
                    client.command("refuse", how=how)
            with pytest.raises(ServerError, match="KeyError: 'the reason'"):
                client.command("refuse", how="bug")
            with pytest.raises(UsageError, match="knows no command 'nope'; it knows cancel_query, changes, echo"):
                client.command("nope")
    finally:
        assert service.close()


def test_the_socket_is_private_and_goes_with_the_service(lab: Lab) -> None:
    service = LabService(lab)
    service.start()
    assert stat.S_IMODE(lab.socket.stat().st_mode) == 0o600
    assert service.close()
    assert not lab.socket.exists()


def test_a_lab_with_a_long_path_is_served_elsewhere(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / ("long" * 30) / "lab"))
    service = LabService(lab)
    service.start()
    try:
        assert lab.socket.parent != lab.root
        assert stat.S_IMODE(lab.socket.parent.stat().st_mode) == 0o700
        assert connect(lab).sql("SELECT 1 AS x").rows() == [{"x": 1}]
    finally:
        assert service.close()


def test_changes_tell_what_moved(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    news: list[set[str]] = []
    service = LabService(lab, poll_seconds=30, on_news=news.append)
    service.start()
    try:
        with connect(lab) as client:
            assert client.sync()
            start = client.changes()
            assert (start.runs, start.trouble) == ((), None)
            first, second = write_chain(lab, DEMO[0]), write_chain(lab, STATES[0])
            assert client.sync(60)
            both = client.changes(start.version)
            assert set(both.runs) == {first, second}
            assert client.changes(both.version).runs == ()
            append_events(lab.run(second), [next(chain_events(STATES[0]))])
            assert client.sync()
            assert client.changes(both.version).runs == (second,)
            assert news == [{first, second}, {second}]
            assert client.changes(10**9).whole
    finally:
        assert service.close()


def test_an_answer_is_held_back_until_something_moves_or_the_server_ends(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    service = LabService(lab, poll_seconds=0.01)
    service.start()
    answers: list[Changes] = []
    try:
        with connect(lab) as client:

            def wait_for_news(since: int) -> threading.Thread:
                waiting = threading.Thread(target=lambda: answers.append(client.changes(since, wait=600)))
                waiting.start()
                while not service.tail._polled._waiters:  # type: ignore[attr-defined]
                    time.sleep(0)
                return waiting

            waiting = wait_for_news(client.changes().version)
            assert answers == []
            moved = write_chain(lab, DEMO[0])
            waiting.join(60)
            assert answers[0].runs == (moved,)
            waiting = wait_for_news(client.changes().version)
            assert service.close()
            waiting.join(60)
            assert answers[1].runs == ()
    finally:
        service.close()


def test_the_version_goes_on_after_a_restart(lab: Lab) -> None:
    versions = []
    for _ in range(2):
        service = LabService(lab)
        service.start()
        with connect(lab) as client:
            assert client.sync(60)
            versions.append(client.changes().version)
        assert service.close()
    assert versions[0] == versions[1] > 1000


def test_many_clients_ask_while_a_run_is_written(lab: Lab) -> None:
    run_id = chain_spec(STATES[0]).run_id
    events = list(chain_events(STATES[0]))
    service = LabService(lab, poll_seconds=0.01)
    service.start()
    errors: list[Exception] = []

    def ask() -> None:
        try:
            with connect(lab) as client:
                for _ in range(20):
                    client.sql("SELECT * FROM scored_samples WHERE run_id = ? LIMIT 50", [run_id])
        except Exception as error:
            errors.append(error)

    try:
        with connect(lab) as client:
            assert client.sync(60)
            before = client.changes().version
            askers = [threading.Thread(target=ask) for _ in range(4)]
            for asker in askers:
                asker.start()
            for start in range(0, 100, 10):
                append_events(lab.run(run_id), events[:10])
                assert client.sync(60), start
            for asker in askers:
                asker.join(60)
            assert not errors
            assert client.changes().version == before + 100
    finally:
        assert service.close()


def test_a_query_without_end_can_be_cancelled(served: Served) -> None:
    lab, client = served
    raised: list[Exception] = []

    def ask() -> None:
        try:
            connect(lab).sql("SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 9", query_id="endless")
        except QueryError as error:
            raised.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    deadline = time.monotonic() + 120
    while asker.is_alive() and time.monotonic() < deadline:
        client.cancel_query("endless")
        asker.join(0.05)
    assert [str(error) for error in raised] == ["the query was cancelled."]
    assert not client.cancel_query("endless")


def test_a_client_that_stops_reading_holds_up_nobody(lab: Lab) -> None:
    service = LabService(lab)
    service.start()
    lazy = flight.connect(f"grpc+unix://{lab.socket}")
    ticket = flight.Ticket(pack({"sql": "SELECT i, repeat('x', 200) FROM range(10000000) r(i)"}))
    reader = lazy.do_get(ticket)
    assert reader.read_chunk().data.num_rows
    with connect(lab) as client:
        assert client.sql("SELECT 1 AS x").rows() == [{"x": 1}]
    service.close(timeout=2)
    rebuilt = rebuild(lab)
    assert rebuilt.runs == 7


def test_a_lab_opened_just_now_is_not_shown_empty(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.tailing.FIRST_SECONDS", 60.0)
    service = LabService(lab)
    poll_runs, asked = Ingest.poll_runs, threading.Event()

    def late(ingest: Ingest, patience: float | None = None, *, thorough: bool = True) -> dict[str, int]:
        assert asked.wait(60)
        return poll_runs(ingest, patience, thorough=thorough)

    monkeypatch.setattr(Ingest, "poll_runs", late)
    wait = service.tail._wait_for_first_poll
    monkeypatch.setattr(service.tail, "_wait_for_first_poll", lambda: (asked.set(), wait()))
    service.start()
    with connect(lab) as client:
        assert client.sql("SELECT count(*) AS n FROM runs").rows() == [{"n": 7}]
    assert service.close()


def test_a_dead_socket_is_no_server(lab: Lab) -> None:
    rebuild(lab)
    lab.socket.write_text("left behind")
    assert connect_server(lab) is None
    with connect(lab) as client:
        assert client.sql("SELECT count(*) AS n FROM runs").rows() == [{"n": 7}]
        with pytest.raises(ServerError, match=r"no lab server answers for .*; start one with `idemtui serve"):
            client.command("changes")
    service = LabService(lab)
    service.start()
    assert connect_server(lab) is not None
    assert service.close()


def test_without_a_server_the_file_is_read_behind_the_same_fence_and_closed_again(lab: Lab) -> None:
    with connect(lab) as client:
        with pytest.raises(LabError, match="does not exist; `idemtui rebuild` makes it"):
            client.sql("SELECT 1")
        rebuild(lab)
        assert client.sql("SELECT count(*) AS n FROM runs").rows() == [{"n": 7}]
        assert client.sql("SELECT * FROM range(9)", limit=2).truncated
        for query in ("DELETE FROM runs", "SELECT * FROM read_text('/etc/passwd')", "COPY runs TO '/tmp/x.csv'"):
            with pytest.raises(QueryError):
                client.sql(query)
        open_database(lab.database).close()


HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_database_held_by_another_program_is_named_and_waited_for(lab: Lab) -> None:
    rebuild(lab)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lab.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ServerError, match=rf"is held by .*python.* \(process {holder.pid}\)"):
            connect(lab).sql("SELECT 1")
        service = LabService(lab, {"echo": lambda arguments: arguments}, poll_seconds=0.05)
        service.start()
        with connect(lab) as client:
            assert client.command("echo", x=1) == {"x": 1}
            assert f"(process {holder.pid})" in str(client.changes().trouble)
            with pytest.raises(ServerError, match=rf"\(process {holder.pid}\)"):
                client.sql("SELECT 1")
            write_chain(lab, DEMO[0].__class__("late"))
            holder.stdin.write("go\n")
            holder.stdin.close()
            holder.wait(30)
            assert client.sync(60)
            assert client.sql("SELECT count(*) AS n FROM runs").rows() == [{"n": 8}]
            assert client.changes().trouble is None
        assert service.close()


def test_a_script_that_holds_the_database_is_named_rather_than_its_interpreter(lab: Lab, tmp_path: Path) -> None:
    rebuild(lab)
    script = tmp_path / "harlequin"
    script.write_text(HOLDER)
    command = [sys.executable, str(script), str(lab.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ServerError, match=rf"is held by {script} \(process {holder.pid}\)"):
            connect(lab).sql("SELECT 1")
        holder.communicate("go\n")


def test_a_lab_of_a_newer_version_is_not_served(lab: Lab) -> None:
    connection = open_database(lab.database)
    migrate(connection, "lab")
    connection.execute("INSERT INTO migrations VALUES (99, 'future', TIMESTAMP '2027-01-01')")
    connection.close()
    for use in (LabService(lab).start, lambda: connect(lab).sql("SELECT 1")):
        with pytest.raises(LabError, match="newer idemtui"):
            use()
    connection = open_database(lab.database)
    assert values(connection, "SELECT max(version) FROM migrations") == [99]
    connection.close()


def test_something_that_is_no_database_is_named(lab: Lab) -> None:
    lab.database.write_text("hello " * 1000)
    with pytest.raises(LabError, match="is no DuckDB database; `idemtui rebuild`"):
        LabService(lab).start()
