import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.locks import FileLock, holder_pid
from idemtui.cli.main import run
from idemtui.doctor import examination, logout
from idemtui.doctor.check import Check
from idemtui.doctor.examination import examine
from idemtui.doctor.logout import check_logout, check_reboot
from idemtui.doctor.models import check_models
from idemtui.doctor.patient import Patient
from idemtui.server.rebuild import rebuild_lab
from idemtui.server.survival import Login
from idemtui.server.unit import unit_path
from store.client import Client
from store.lab import Lab, find_lab
from tests.idemtui.conftest import until
from tests.store.journals import DEMO, STATES, write_chain

Serve = Callable[..., Client]


@pytest.fixture(autouse=True)
def lenient_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine does at logout, and whatever network it is on."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(examination, "read_login", lambda: Login(manager=False, kills=False))


def found(lab: Lab) -> dict[str, Check]:
    """The checks by name, found without a file made or changed."""
    before = contents(lab.root)
    checks = examine(lab)
    assert contents(lab.root) == before
    return {check.name: check for check in checks}


def contents(root: Path) -> dict[str, int]:
    """Every file with its time of change; a living server's own files aside."""
    moving = ("server.log", "lab.duckdb", "lab.duckdb.wal")
    return {str(p): p.stat().st_mtime_ns for p in root.rglob("*") if p.name not in moving} if root.exists() else {}


def test_no_lab(tmp_path: Path) -> None:
    checks = found(find_lab(tmp_path / "nowhere"))
    assert checks["lab folder"].level == "bad"
    assert "idemtui demo" in checks["lab folder"].advice
    assert not (tmp_path / "nowhere").exists()


def test_models_are_told_and_one_that_cannot_be_had_is_a_warning(
    lab_to_write: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_models(lab_to_write).what == "no run names a model yet"
    write_chain(lab_to_write, DEMO[0])
    assert "pocket/instruct: chat template, takes system turns" in check_models(lab_to_write).what
    run_id = write_chain(lab_to_write, STATES[2])
    path = lab_to_write.run(run_id) / "spec.json"
    path.write_text(path.read_text().replace('"pocket/instruct"', '"far/away"'))
    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", lambda name: f"model {name!r} is gated")
    found = check_models(lab_to_write)
    assert found.level == "warn"
    assert "model 'far/away' is gated" in found.what
    assert "retry" in found.advice


def test_a_lab_of_somebody_else_is_left_alone(lab_to_write: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    checks = found(lab_to_write)
    assert list(checks) == ["lab folder", "gpus", "hub", "logout"]
    assert "owned by user" in checks["lab folder"].what


def test_a_lab_at_rest_is_well(lab_to_write: Lab) -> None:
    write_chain(lab_to_write, DEMO[0])
    rebuild_lab(lab_to_write)
    checks = found(lab_to_write)
    assert {check.level for check in checks.values()} == {"ok"}
    assert "mode 0700" in checks["lab folder"].what
    assert "held by nobody" in checks["lock"].what
    assert "none runs" in checks["server"].what
    assert "1 runs" in checks["database"].what
    assert holder_pid(lab_to_write.lock) is None


def test_runs_that_were_left_behind_are_named(lab_to_write: Lab) -> None:
    write_chain(lab_to_write, STATES[0])
    rebuild_lab(lab_to_write)
    journals = found(lab_to_write)["journals"]
    assert journals.level == "warn"
    assert "sft-running" in journals.what


def test_a_living_server_tells_all(lab_to_write: Lab, served: Serve) -> None:
    client = served("hold")
    status = client.command("status")
    checks = found(lab_to_write)
    assert checks["server"].level == "ok"
    assert f"process {status['pid']}" in checks["server"].what
    assert "mode 0600: answers" in checks["socket"].what
    assert checks["queue"].what == "nothing waits"
    assert checks["secrets"].what == "the server holds none"
    client.command("secrets", values={"HF_TOKEN": "hf_sEcReT"})
    told = examine(lab_to_write)
    assert "HF_TOKEN" in next(check.what for check in told if check.name == "secrets")
    assert "hf_sEcReT" not in str(told)


def test_a_server_that_was_halted_is_named_in_time(lab_to_write: Lab, served: Serve) -> None:
    pid = served("finish").command("status")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        checks = found(lab_to_write)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert checks["server"].level == "bad"
    assert f"process {pid} holds the lab and does not answer: it is stopped" in checks["server"].what
    assert f"kill -CONT {pid}" in checks["server"].advice
    assert checks["socket"].level == "bad"
    assert checks["database"].level == "warn"


def test_a_killed_server_leaves_a_dead_socket(lab_to_write: Lab, served: Serve) -> None:
    pid = served("finish").command("status")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: holder_pid(lab_to_write.lock) is None)
    checks = found(lab_to_write)
    assert checks["socket"].level == "warn"
    assert "dead" in checks["socket"].what
    assert checks["server"].level == "ok"
    assert lab_to_write.socket.exists()


def test_a_server_that_listens_and_never_answers(lab_to_write: Lab) -> None:
    with FileLock(lab_to_write.lock, "lab"), socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(lab_to_write.socket))
        lab_to_write.socket.chmod(0o600)
        listening.listen()
        checks = found(lab_to_write)
    assert "nobody answers" in checks["socket"].what
    assert checks["server"].level == "bad"
    assert "idemtui stop" in checks["server"].advice


def test_a_server_of_another_version_is_a_warning(lab_to_write: Lab, served: Serve, monkeypatch: Any) -> None:
    served("finish")
    monkeypatch.setattr("idemtui.server.options.PROTOCOL", 999)
    server = found(lab_to_write)["server"]
    assert server.level == "warn"
    assert "protocol 999" in server.what


def test_a_lab_open_to_others_or_on_a_full_disk(lab_to_write: Lab, monkeypatch: Any) -> None:
    lab_to_write.root.chmod(0o755)
    (lab_to_write.root / "server.toml").write_text("disk_reserve_mb = 999999999\n")
    checks = found(lab_to_write)
    assert (checks["lab folder"].level, checks["disk"].level) == ("warn", "bad")
    assert f"chmod 700 {lab_to_write.root}" in checks["lab folder"].advice
    monkeypatch.setattr("idemtui.doctor.folder.filesystem", lambda path: "nfs4")
    lab_to_write.root.chmod(0o700)
    assert "from one machine only" in found(lab_to_write)["lab folder"].advice


def test_settings_that_are_wrong_are_named(lab_to_write: Lab) -> None:
    (lab_to_write.root / "server.toml").write_text("slotz = 3\n")
    settings = found(lab_to_write)["settings"]
    assert settings.level == "bad"
    assert "slotz" in settings.what


def test_a_lab_that_can_only_be_read(lab_to_write: Lab, monkeypatch: Any) -> None:
    write_chain(lab_to_write, DEMO[0])
    rebuild_lab(lab_to_write)
    access = os.access
    refused = (lab_to_write.root, os.W_OK)
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != refused and access(path, mode))
    checks = found(lab_to_write)
    assert checks["lab folder"].level == "warn"
    assert checks["database"].level == "ok"


def test_a_worker_without_a_server_is_seen(lab_to_write: Lab) -> None:
    run_id = write_chain(lab_to_write, DEMO[0])
    with FileLock(lab_to_write.run(run_id) / "worker.lock", "run"):
        workers = found(lab_to_write)["workers"]
    assert workers.level == "warn"
    assert f"process {os.getpid()} on {run_id}" in workers.what


def test_a_socket_outside_the_lab_is_explained(tmp_path: Path) -> None:
    lab = find_lab(tmp_path / ("long" * 30))
    lab.runs.mkdir(parents=True, mode=0o700)
    lab.root.chmod(0o700)
    assert "a path in the lab would be too long" in found(lab)["socket"].what
    with FileLock(lab.lock, "lab"):
        checked = found(lab)["socket"]
    assert checked.level == "bad"
    assert "TMPDIR" in checked.advice


@pytest.mark.parametrize(
    ("login", "level", "word"),
    [
        (Login(True, linger=True, kills=True), "ok", "lingering is on"),
        (Login(True, linger=False, kills=False), "ok", "leaves processes running"),
        (Login(True, linger=False, kills=True), "bad", "ends your processes when your last login ends"),
        (Login(False, linger=None, kills=True), "bad", "ends your processes at logout"),
        (Login(True, linger=False, kills=None), "warn", "does not say"),
    ],
)
def test_what_a_logout_does(lab_to_write: Lab, monkeypatch: Any, login: Login, level: str, word: str) -> None:
    monkeypatch.setattr(logout, "BOOTED", Path("/"))
    check = check_logout(Patient(lab_to_write, None, "dead"), login)
    assert check.level == level
    assert word in check.what
    assert ("enable-linger" in check.advice) is (level != "ok")


def test_what_a_reboot_does(lab_to_write: Lab, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert "serve --install" in check_reboot(lab_to_write, Login(True, linger=True)).advice
    unit_path(lab_to_write).parent.mkdir(parents=True)
    unit_path(lab_to_write).touch()
    assert check_reboot(lab_to_write, Login(True, linger=True)).level == "ok"
    assert check_reboot(lab_to_write, Login(True, linger=False)).level == "warn"


def test_a_check_that_fails_is_a_finding(lab_to_write: Lab, monkeypatch: Any) -> None:
    def broken(patient: Patient) -> Check:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(examination, "check_lock", broken)
    assert found(lab_to_write)["lock"].what.endswith("Permission denied")


def test_the_command_prints_lines_or_json_and_fails_where_something_is_bad(
    lab_to_write: Lab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--lab", str(lab_to_write.root), "doctor"])
    assert ended.value.code == 0
    assert f"ok    lab folder  {lab_to_write.root}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run(["--lab", str(tmp_path / "none"), "doctor", "--json"])
    assert ended.value.code == 1
    assert set(json.loads(capsys.readouterr().out)[0]) == {"name", "level", "what", "advice"}


def test_a_database_that_another_program_holds_is_named(lab_to_write: Lab) -> None:
    rebuild_lab(lab_to_write)
    program = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(lab_to_write.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        database = found(lab_to_write)["database"]
        holding.communicate()
    assert database.level == "bad"
    assert f"process {holding.pid}" in database.what
