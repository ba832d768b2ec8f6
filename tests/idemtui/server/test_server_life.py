"""Real server processes that die, hang, are of another version, or are started twice."""

import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.errors import LabError, ServerError, UsageError
from engine.locks import holder_pid
from idemtui.server import start
from idemtui.server.options import PROTOCOL, ServerOptions
from idemtui.server.start import ALREADY_SERVED, connect_server, ensure_server
from idemtui.server.stop import stop_server
from store.client import Client
from store.lab import Lab, create_lab
from tests.idemtui.conftest import PATIENCE_SECONDS, fake, until
from tests.idemtui.server.test_server import RUN, SPECS, kill, running, server_pid, status

Serve = Callable[..., Client]
SECRET = "hf_XyZ0123456789secret"


@pytest.fixture
def lab(lab_to_write: Lab) -> Lab:
    return lab_to_write


@pytest.fixture
def said() -> list[str]:
    return []


def every_file(lab: Lab) -> list[Path]:
    return [path for path in lab.root.rglob("*") if path.is_file()]


def test_a_killed_server_and_its_worker_are_told_of_and_go_on_where_asked(
    lab: Lab, served: Serve, said: list[str]
) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:1])
    until(lambda: status(client) == "running")
    worker = running(client)[RUN]
    kill(server_pid(lab))
    kill(worker)
    with ensure_server(lab, fake("hold", go_on=True), notify=said.append) as client:
        assert said == [f"{lab.socket} was left by a server that died; it is cleared, and another one is started."]
        until(lambda: running(client).get(RUN, worker) != worker, "the run goes on")
        facts = client.command("status")
        assert (facts["interrupted"], facts["protocol"], facts["ends_in_seconds"]) == ([], PROTOCOL, None)
        assert (facts["settings"]["linger_seconds"], facts["disk"]["low"], facts["trouble"]) == (20.0, False, None)


def test_what_was_interrupted_is_told_until_it_is_resumed(lab: Lab, served: Serve) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:1])
    until(lambda: status(client) == "running")
    worker = running(client)[RUN]
    kill(server_pid(lab))
    kill(worker)
    client = served("finish")
    found = client.command("status")["interrupted"]
    assert [(run["run_id"], run["name"]) for run in found] == [(RUN, SPECS[0]["name"])]
    client.command("resume", all=True)
    until(lambda: status(client) == "finished")
    assert client.command("status")["interrupted"] == []


def test_a_server_of_another_version_is_replaced_and_its_workers_live_on(
    lab: Lab, served: Serve, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served("hold", slots=1)
    client.command("submit", specs=SPECS[:1])
    until(lambda: status(client) == "running")
    before, workers = server_pid(lab), running(client)
    monkeypatch.setattr(start, "PROTOCOL", PROTOCOL + 1)
    with ensure_server(lab, fake("hold", slots=1), notify=said.append) as client:
        assert server_pid(lab) != before
        assert running(client) == workers
    assert f"protocol {PROTOCOL}; it is replaced by one of version" in said[0]


def test_a_hung_server_is_named_and_stop_ends_it(lab: Lab, served: Serve, said: list[str]) -> None:
    served().close()
    pid = server_pid(lab)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "the halt")
    with pytest.raises(ServerError, match=rf"process {pid}, stopped\) holds the lab.*`idemtui stop` ends it"):
        ensure_server(lab, fake("finish"), notify=said.append)
    assert stop_server(lab) == {"stopped": True, "pid": pid, "workers": {}}
    assert not lab.socket.exists()
    assert holder_pid(lab.lock) is None


def test_of_two_servers_started_at_once_one_stays(lab: Lab) -> None:
    command = ServerOptions(idle_seconds=60).command(lab.root)
    servers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    loser = until(lambda: next((server for server in servers if server.poll() is not None), None), "one to leave")
    winner = next(server for server in servers if server is not loser)
    printed, _ = loser.communicate()
    assert (loser.returncode, printed) == (ALREADY_SERVED, "")
    client = until(lambda: connect_server(lab), "the other to serve")
    assert client.command("status")["pid"] == winner.pid
    client.close()
    stop_server(lab)
    winner.communicate(timeout=PATIENCE_SECONDS)


def test_a_secret_reaches_its_worker_and_no_file(lab: Lab, served: Serve) -> None:
    execution = {**SPECS[0]["execution"], "secrets": ["HF_TOKEN"]}
    client = served("secret")
    client.command("submit", specs=[{**SPECS[0], "execution": execution}])
    reason = until(lambda: [r["reason"] for r in client.command("status")["waiting"] if "HF_TOKEN" in r["reason"]])
    assert "waits for HF_TOKEN" in reason[0]
    assert client.command("secrets", values={"HF_TOKEN": SECRET}) == {"names": ["HF_TOKEN"]}
    assert client.command("resume", run_id=RUN)["runs"][0]["answer"] == "already queued"
    until(lambda: status(client) == "finished")
    assert f"HF_TOKEN has {len(SECRET)} characters" in (lab.run(RUN) / "worker.log").read_text()
    assert client.command("status")["secrets"] == ["HF_TOKEN"]
    client.close()
    stop_server(lab)
    files = every_file(lab)
    assert len(files) >= 8
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_pause_holds_no_process_and_everything_is_private(lab: Lab, served: Serve) -> None:
    client = served("hold")
    client.command("submit", specs=SPECS[:1], priority=2)
    until(lambda: status(client) == "running")
    worker = psutil.Process(running(client)[RUN])
    assert int(Path(f"/proc/{worker.pid}/oom_score_adj").read_text()) == 500
    answer = client.command("pause", run_id=RUN)
    assert (answer["answer"], answer["when"]) == ("pausing", "after the step under way")
    until(lambda: not client.command("status")["workers"], "the worker's end")
    assert not worker.is_running()
    assert list((lab.root / "workers").iterdir()) == []
    assert client.command("resume", all=True)["runs"] == []
    with pytest.raises(UsageError, match="did not fail"):
        client.command("retry", run_id=RUN)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in every_file(lab)}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in lab.root.rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
    (lab.run(RUN) / "release").touch()
    assert client.command("resume", run_id=RUN)["runs"][0]["answer"] == "continued"
    until(lambda: status(client) == "finished")
    until(lambda: RUN not in running(client), "its worker to let go of it")
    assert client.command("remove", run_ids=[RUN])["removed"] == [RUN]
    assert not lab.run(RUN).exists()


def test_a_lab_that_was_open_to_others_is_closed_and_that_is_said(lab: Lab, said: list[str]) -> None:
    lab.root.chmod(0o755)
    ensure_server(lab, fake("finish"), notify=said.append).close()
    assert said == [f"lab folder {lab.root} was open to others (mode 755); it is yours alone now (700)."]
    assert stat.S_IMODE(lab.root.stat().st_mode) == 0o700


def test_a_lab_that_cannot_be_written_is_one_clear_line(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.lab.os.access", lambda path, mode: False)
    with pytest.raises(LabError, match=r"no write permission; choose another with --lab"):
        ensure_server(lab, fake("finish"))


def test_settings_that_are_none_are_told_by_a_server_that_does_not_start(lab: Lab) -> None:
    create_lab(lab)
    (lab.root / "server.toml").write_text("slot = 3\n")
    with pytest.raises(ServerError, match=r"server\.toml: unknown key 'slot'; allowed are"):
        ensure_server(lab, fake("finish"))
