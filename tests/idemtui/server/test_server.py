import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from engine.commands import read_commands
from engine.errors import ServerError, UsageError
from engine.locks import holder_pid
from idemtui.server.options import ServerOptions
from idemtui.server.start import connect_server, ensure_server
from idemtui.server.stop import stop_server
from store.client import Client
from store.lab import Lab
from tests.idemtui.conftest import PATIENCE_SECONDS, fake, until
from tests.store.journals import DEMO, chain_spec


@pytest.fixture
def lab(lab_to_write: Lab) -> Lab:
    return lab_to_write


Serve = Callable[..., Client]
SPECS = [chain_spec(chain).model_dump(mode="json") for chain in DEMO]
RUN = SPECS[0]["run_id"]


def status(client: Client, run_id: str = RUN) -> str:
    rows = client.sql("SELECT status FROM runs WHERE run_id = ?", [run_id]).tuples()
    return str(rows[0][0]) if rows else ""


def answers(reply: dict[str, Any]) -> list[str]:
    return [run["answer"] for run in reply["runs"]]


def server_pid(lab: Lab) -> int:
    pid = holder_pid(lab.lock)
    assert pid is not None
    return pid


def running(client: Client) -> dict[str, int]:
    workers = client.command("status")["workers"]
    return {worker["run_id"]: worker["pid"] for worker in workers if worker["run_id"]}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "the kill")


def test_a_study_is_queued_worked_off_and_remembered(lab: Lab, served: Serve) -> None:
    client = served()
    assert answers(client.command("submit", specs=SPECS)) == ["queued"] * 4
    until(lambda: all(status(client, spec["run_id"]) == "finished" for spec in SPECS), "the end of all runs")
    points = client.sql("SELECT count(*) FROM trait_curve").tuples()
    assert points == [(4 * 8,)]
    assert answers(client.command("submit", specs=SPECS)) == ["already finished"] * 4
    again = client.command("submit", specs=SPECS[:1], again=True)["runs"][0]
    assert again["run_id"] != RUN
    assert again["answer"] == "queued"


def test_a_spec_that_is_none_leaves_nothing_behind(lab: Lab, served: Serve) -> None:
    broken = {**SPECS[1], "run": {**SPECS[1]["run"], "regime": "rl"}}
    with pytest.raises(UsageError, match=r"run\.regime"):
        served().command("submit", specs=[SPECS[0], broken])
    with pytest.raises(UsageError, match="names a folder"):
        served().command("submit", specs=[{**SPECS[0], "run_id": "../../elsewhere"}])
    assert list(lab.runs.iterdir()) == []


def test_cancel_stops_a_worker_and_resume_goes_on(lab: Lab, served: Serve) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:2])
    until(lambda: status(client) == "running")
    assert client.command("cancel", run_id=SPECS[1]["run_id"])["answer"] == "cancelled"
    assert status(client, SPECS[1]["run_id"]) == "cancelled"
    assert client.command("cancel", run_id=RUN)["answer"] == "stopping"
    until(lambda: status(client) == "cancelled")
    assert client.command("resume", all=True)["runs"] == []
    assert answers(client.command("resume", run_id=RUN)) == ["continued"]
    (lab.run(RUN) / "release").touch()
    until(lambda: status(client) == "finished")


def test_a_worker_that_dies_is_told_and_the_next_run_starts(lab: Lab, served: Serve) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:2])
    until(lambda: status(client) == "running")
    kill(running(client)[RUN])
    until(lambda: status(client, SPECS[1]["run_id"]) == "running", "the next run")
    assert status(client) == "failed"
    assert [command.exit_code for command in read_commands(lab.run(RUN))][-1] == -signal.SIGKILL
    assert [run["run_id"] for run in client.command("resume", all=True)["runs"]] == [RUN]


def test_workers_outlive_a_killed_server_and_the_next_one_takes_them_up(lab: Lab, served: Serve) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:2])
    until(lambda: status(client) == "running")
    before, workers = client.command("status"), running(client)
    kill(server_pid(lab))
    with pytest.raises(ServerError):
        client.command("status")
    assert lab.socket.exists()
    client = served("hold", slots=1)
    after = client.command("status")
    assert after["pid"] != before["pid"]
    assert running(client) == workers
    assert [worker["adopted"] for worker in after["workers"]] == [True]
    assert [run["run_id"] for run in after["waiting"]] == [run["run_id"] for run in before["waiting"]]
    (lab.run(RUN) / "release").touch()
    until(lambda: status(client) == "finished")
    until(lambda: status(client, SPECS[1]["run_id"]) == "running", "the run that waited")
    assert [command.type for command in read_commands(lab.run(RUN))].count("started") == 1


def test_stop_leaves_workers_and_a_second_stop_finds_nobody(lab: Lab, served: Serve) -> None:
    client = served("hold")
    client.command("submit", specs=SPECS[:1])
    until(lambda: status(client) == "running")
    stopped = stop_server(lab)
    assert stopped["stopped"]
    assert psutil.pid_exists(stopped["workers"][RUN])
    assert not lab.socket.exists()
    assert stop_server(lab) == {"stopped": False, "pid": None, "workers": {}}


def test_clients_that_start_a_server_at_once_get_the_same_one(lab: Lab) -> None:
    def pid(_: int) -> int:
        with ensure_server(lab, fake("finish")) as client:
            return int(client.command("status")["pid"])

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(pid, range(3)))) == 1


def test_an_idle_server_goes(lab: Lab, served: Serve) -> None:
    served(idle_seconds=0.2).close()
    until(lambda: holder_pid(lab.lock) is None, "the server's end")
    assert not lab.socket.exists()
    assert connect_server(lab) is None


def test_a_server_whose_lab_vanishes_goes(lab: Lab, served: Serve) -> None:
    served()
    pid = server_pid(lab)
    lab.lock.unlink()
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "the server's end")


def test_a_server_that_cannot_start_says_why(lab: Lab) -> None:
    lab.database.write_text("this is no database, and it is long enough to be looked at" * 100)
    with pytest.raises(ServerError, match="is no DuckDB database"):
        ensure_server(lab, fake("finish"))


def test_a_server_in_the_foreground_ends_with_a_signal(lab: Lab) -> None:
    command = ServerOptions(idle_seconds=60).command(lab.root)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: connect_server(lab), "the server").close()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert "Ended; workers go on." in printed


def test_workers_get_the_threads_of_their_spec(lab: Lab, served: Serve) -> None:
    client = served("hold")
    client.command("submit", specs=SPECS[:1])
    until(lambda: status(client) == "running")
    worker = psutil.Process(running(client)[RUN])
    environment = worker.environ()
    assert environment["OMP_NUM_THREADS"] == str(SPECS[0]["execution"]["threads"])
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert os.getsid(worker.pid) == worker.pid
    assert sys.executable in worker.cmdline()
