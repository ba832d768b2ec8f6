"""Locks, sockets and processes that are stale, doubled, dead, hung or silent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from idemtui.server.start import ensure_server
from tests.proofs.broken_off import BrokenOff, change_lines
from tests.proofs.labs import PATIENCE_SECONDS, ProofLab, alive, kill, until
from tests.proofs.works import check_memory, results

pytestmark = pytest.mark.proof


def worker_of(lab: ProofLab, run_id: str) -> int:
    """The process that works on a run, once there is one."""
    return int(until(lambda: lab.worker(run_id), "the worker"))


def test_stale_locks_and_a_dead_socket_stop_nobody(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    lab.idemtui("resume", "--all")
    server, worker = until(lab.server, "the server"), worker_of(lab, run_id)
    kill(server)
    kill(worker)
    assert lab.lab.socket.exists()
    lab.lab.lock.write_text(f"{os.getpid()}\n")
    (lab.run_folder(run_id) / "worker.lock").write_text(f"{os.getpid()}\n")
    said = lab.idemtui("resume", run_id)
    assert "lab.sock" in said.err, "the client says what it repaired"
    assert said.err.count("\n") == 1
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


def test_clients_at_once_start_one_server(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: lab.idemtui("resume", "--all"), range(4)))
    server = lab.server()
    assert server is not None
    servers = [p.pid for p in psutil.process_iter(["cmdline"]) if serves(p, lab)]
    assert servers == [server]
    lab.reach(run_id, "finished")
    assert [c.type for c in lab.commands(run_id)].count("started") == 2, "one before the break, one after"
    assert results(lab, run_id) == broken_off.whole()


def serves(process: psutil.Process, lab: ProofLab) -> bool:
    line = process.info["cmdline"] or []
    return "idemtui.server.main" in line and str(lab.root) in line and alive(process.pid)


def test_two_servers_started_at_once_one_gives_way(broken_off: BrokenOff) -> None:
    lab = broken_off.copy()
    command = [sys.executable, "-m", "idemtui", "--lab", str(lab.root), "serve"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": lab.variables()}
    servers = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    until(lambda: sum(server.poll() is not None for server in servers) == 2, "two that give way")
    for server in servers:
        if server.poll() is None:
            assert lab.server() == server.pid
            server.send_signal(signal.SIGINT)
            assert server.wait(PATIENCE_SECONDS) == 0
            continue
        said = server.stderr.read()
        assert server.returncode == 1
        assert said.startswith("idemtui: ")
        assert said.count("\n") == 1, said
    for server in servers:
        server.communicate()


def test_a_second_worker_on_a_run_gives_way(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    lab.idemtui("resume", run_id)
    worker = worker_of(lab, run_id)
    command = [sys.executable, "-m", "engine.worker", str(lab.run_folder(run_id))]
    variables = lab.variables() | {"IDEMTUI_PROOF_KILL": ""}
    patience = PATIENCE_SECONDS
    second = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=patience, check=False)
    assert second.returncode == 1
    assert f"pid {worker}" in second.stderr
    assert second.stderr.count("\n") == 1
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


def test_a_hung_server_is_named_and_its_lab_is_not_harmed(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    lab.idemtui("resume", run_id)
    worker_of(lab, run_id)
    server = until(lab.server, "the server")
    os.kill(server, signal.SIGSTOP)
    try:
        said = lab.idemtui("resume", run_id, code=1)
    finally:
        os.kill(server, signal.SIGCONT)
    assert str(server) in said.err, "the line names the process"
    assert said.err.count("\n") == 1, said.err
    lab.reach(run_id, "finished")
    assert lab.server() == server
    assert results(lab, run_id) == broken_off.whole()


def test_a_hung_server_is_stopped_when_asked(broken_off: BrokenOff) -> None:
    lab = broken_off.copy()
    lab.idemtui("resume", "--all")
    server = until(lab.server, "the server")
    os.kill(server, signal.SIGSTOP)
    lab.idemtui("stop", code=None)
    os.kill(server, signal.SIGCONT) if alive(server) else None
    until(lambda: lab.server() is None, "the server's end")


def test_a_silent_worker_is_shown_until_it_speaks_again(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    (lab.root / "server.toml").write_text("silent_seconds = 2\n")
    lab.idemtui("resume", run_id)
    worker = worker_of(lab, run_id)
    os.kill(worker, signal.SIGSTOP)
    try:
        until(lambda: "worker_silent" in [c.type for c in lab.commands(run_id)], "the silence")
        with lab.client() as client:
            client.sync()
            [told] = client.command("status")["workers"]
        [(status, message)] = lab.ask("SELECT status, message FROM runs WHERE run_id = ?", run_id)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert status == "running"
    assert message, "silence is said"
    assert told["silent_seconds"] >= 2
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    assert lab.ask("SELECT message FROM runs WHERE run_id = ?", run_id) == [(None,)]


def test_a_killed_worker_is_shown_with_the_end_of_its_log(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    lab.idemtui("resume", run_id)
    worker = worker_of(lab, run_id)
    with (lab.run_folder(run_id) / "worker.log").open("a") as file:
        file.write("one line\nthe last words \x1b[31mof a library\n")
    kill(worker)
    lab.reach(run_id, "failed")
    [(message, tail)] = lab.ask("SELECT message, log_tail FROM runs WHERE run_id = ?", run_id)
    assert "signal 9" in message
    assert any("the last words" in line for line in tail)
    shown = lab.idemtui("show", run_id).out
    assert "the last words of a library" in shown
    assert "\x1b[31m" not in shown


def test_after_a_reboot_the_first_client_tells_and_resume_goes_on(broken_off: BrokenOff) -> None:
    """The last `started` line is of an earlier boot and names a process that is now somebody else's."""
    lab, run_id = broken_off.copy(), broken_off.run_id
    commands = lab.run_folder(run_id) / "commands.jsonl"
    lines = [line for line in commands.read_bytes().splitlines(keepends=True) if b"worker_exited" not in line]
    commands.write_bytes(b"".join(lines))

    def before_the_boot(_: int, line: dict[str, object]) -> None:
        if line["type"] == "started":
            line |= {"pid": os.getpid(), "boot_id": "00000000-0000-0000-0000-000000000000"}

    change_lines(commands, before_the_boot)
    lab.idemtui("rebuild")
    ensure_server(lab.lab).close()
    shown = lab.idemtui("ls")
    assert "interrupted" in shown.out + shown.err, "what was interrupted is said"
    with lab.client() as client:
        assert [run["run_id"] for run in client.command("status")["interrupted"]] == [run_id]
    lab.idemtui("resume", "--all")
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_jumps_changes_no_result(broken_off: BrokenOff, hours: int) -> None:
    """What was written before the jump bears times of `hours` from now: later ones, where the clock jumped back."""
    from datetime import datetime, timedelta

    lab, run_id = broken_off.copy(), broken_off.run_id

    def jump(_: int, line: dict[str, object]) -> None:
        moved = datetime.fromisoformat(str(line["ts"])) + timedelta(hours=hours)
        line["ts"] = moved.isoformat(timespec="milliseconds")

    for name in ("events.jsonl", "commands.jsonl"):
        change_lines(lab.run_folder(run_id) / name, jump)
    lab.lab.database.unlink()
    lab.idemtui("resume", run_id)
    worker_of(lab, run_id)
    lab.reach(run_id, "running")
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)
