import csv
import io
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.idemtui.conftest import PATIENCE_SECONDS, until

ENDLESS = "select count(*) from range(1000000000) as a, range(1000000) as b"
MANY = "select range as n, 'x' || range as word from range(20000)"


@pytest.mark.parametrize("where", ["there", "idemtui"])
def test_an_answer_of_any_length_is_streamed(request: pytest.FixtureRequest, where: str) -> None:
    ask: Idemtui = request.getfixturevalue(where)
    assert len(ask("sql", MANY, "--json").json) == 20_000
    read = list(csv.DictReader(io.StringIO(ask("sql", MANY, "--csv").out)))
    assert (len(read), read[-1]) == (20_000, {"n": "19999", "word": "x19999"})
    assert [row["n"] for row in ask("sql", MANY, "--json", "--limit", "3").json] == [0, 1, 2]
    assert ask("sql", "select 1 as a where false", "--csv").out == "a\n"
    assert ask("sql", MANY, "--csv", "--limit", "0").out == "n,word\n"


@pytest.mark.parametrize("how", [(), ("--json",), ("--csv",)])
@pytest.mark.parametrize("where", ["there", "idemtui"])
def test_a_question_may_have_a_time_limit(request: pytest.FixtureRequest, where: str, how: tuple[str, ...]) -> None:
    said = request.getfixturevalue(where)("sql", ENDLESS, "--timeout", "0.2", *how)
    assert said.code == 2
    assert said.err.startswith("idemtui: the query took longer than")
    assert "--timeout" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("how", [(), ("--json",), ("--csv",)])
def test_ctrl_c_cancels_the_question_in_the_server(
    there: Idemtui, agreed: ContractServer, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idemtui.cli.query.new_id", lambda: "mine")
    questions = agreed.service.questions

    def interrupt() -> None:
        """The signal meets this thread, as it may in a program with several: nothing wakes the main one."""
        until(lambda: questions.find("mine"))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    said = there("sql", ENDLESS, "--timeout", "0", *how)
    interrupting.join()
    assert said.code == 130
    assert said.err == "idemtui: the query was cancelled.\n"
    until(lambda: questions.find("mine") is None)


def test_ctrl_c_without_a_server_ends_the_program(lab: Lab, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "idemtui", "--lab", str(lab.root), "sql", ENDLESS, "--timeout", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        until(lambda: lab.database in [Path(file) for file in opened(process.pid)])
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert b"Traceback" not in err


def opened(pid: int) -> list[str]:
    """Files that a process has open."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue
    return found


def test_an_answer_leaves_as_parquet_or_as_a_chart(there: Idemtui, tmp_path: Path) -> None:
    file = tmp_path / "many.parquet"
    there("sql", MANY, "--parquet", str(file))
    table = pq.read_table(file)
    assert (table.num_rows, table.column_names) == (20_000, ["n", "word"])
    refused = there("sql", MANY, "--parquet", str(file))
    assert (refused.code, "is there already" in refused.err) == (2, True)
    assert "v over n" in there("sql", "select range as n, range * 2.0 as v from range(9)", "--plot").out
    assert "nothing to plot" in there("sql", "select 'a' as b", "--plot").err
    assert "give one of them" in there("sql", MANY, "--plot", "--json").err


def test_saved_queries_are_listed_and_asked_by_name(there: Idemtui) -> None:
    assert "curves" in {query["name"] for query in there("sql", "@", "--json").json}
    assert {"name", "cycle", "trait", "coherence"} == set(there("sql", "@curves", "--json").json[0])
    assert "there are curves" in there("sql", "@curvs").err
