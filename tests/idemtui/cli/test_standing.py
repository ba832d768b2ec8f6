"""What only a server knows, in `ls` and `show`, and what every reading command says of interrupted runs."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from engine.locks import holder_pid
from idemtui.cli import reading
from idemtui.cli.standing import interrupted_line
from idemtui.cli.table import layout
from idemtui.server.unit import unit_path
from store.client import Client, connect
from store.lab import Lab
from tests.idemtui.cli.conftest import FAILED, OPEN, Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.idemtui.conftest import until
from tests.store.journals import DEMO, chain_spec, write_chain

RUNNING, QUEUED = (chain_spec(chain).run_id for chain in OPEN)
BROKEN = chain_spec(FAILED).run_id
RESTARTED = "interrupted: the machine was restarted"
INTERRUPTED = [{"run_id": str(n), "name": name, "message": RESTARTED} for n, name in enumerate("abc")]
LINE = (
    "idemtui: 3 runs were interrupted (the machine was restarted): a, b, c; `idemtui resume --all` goes on with them.\n"
)


@pytest.fixture
def busy(agreed: ContractServer) -> ContractServer:
    agreed.status |= {
        "waiting": [{"run_id": QUEUED, "priority": 5, "reason": "no free slot"}],
        "workers": [
            {"pid": 77, "run_id": RUNNING, "device": "cpu", "model": "m", "silent_seconds": 1900.0, "adopted": False}
        ],
        "disk": {"free_bytes": 120e6, "reserve_bytes": 256e6, "low": True},
        "trouble": "lab.duckdb is held by harlequin (process 9)",
    }
    return agreed


def test_ls_says_who_waits_who_is_silent_and_what_troubles_the_lab(there: Idemtui, busy: ContractServer) -> None:
    out = there("ls").out
    assert "queued #1 p5" in out
    assert "silent 32 min" in out
    assert "waiting: sft-queued: no free slot\n" in out
    assert "silent: sft-running: process 77 has said nothing for 32 min" in out
    assert "disk: 120 MB free, less than the reserve of 256 MB" in out
    assert "server: lab.duckdb is held by harlequin (process 9)\n" in out


def test_ls_for_programs_keeps_stdout_to_itself(there: Idemtui, busy: ContractServer) -> None:
    busy.status["interrupted"] = INTERRUPTED
    said = there("ls", "--json")
    by_id = {run["run_id"]: run for run in said.json}
    assert (by_id[QUEUED]["queue_position"], by_id[QUEUED]["priority"]) == (1, 5)
    assert by_id[QUEUED]["waiting_reason"] == "no free slot"
    assert by_id[RUNNING]["silent_seconds"] == 1900.0
    assert said.err.startswith(LINE)
    assert "disk: 120 MB free" in said.err


def test_a_worker_heard_of_lately_is_not_silent(there: Idemtui, busy: ContractServer) -> None:
    busy.status["workers"][0]["silent_seconds"] = 12.0
    assert "silent" not in there("ls").out
    assert "running: process 77 on cpu" in there("show", "sft-running").out


def test_show_says_why_a_run_waits(there: Idemtui, busy: ContractServer) -> None:
    assert "queued, number 1 in the queue, priority 5: no free slot\n" in there("show", "sft-queued").out
    assert there("show", "sft-queued", "--json").json["waiting_reason"] == "no free slot"


def test_show_has_the_end_of_the_log_where_a_run_failed_or_is_silent(there: Idemtui, busy: ContractServer) -> None:
    for run_id in (RUNNING, BROKEN):
        lines = [f"line {n} \x1b[31mred" for n in range(40)]
        (busy.lab.run(run_id) / "worker.log").write_text("\n".join(lines))
    for name, word in (("sft-running", "running, but silent: process 77"), ("sft-failed", "failed: ")):
        out = there("show", name).out
        assert word in out
        assert "  | line 39 red\n" in out
        assert "line 29 " not in out


@pytest.mark.parametrize(
    "words", [("ls",), ("show", "sft-reset"), ("samples", "sft-reset"), ("verdict",), ("plot", "sft-reset")]
)
def test_every_reading_command_tells_of_interrupted_runs_once(
    there: Idemtui, agreed: ContractServer, words: tuple[str, ...]
) -> None:
    agreed.status["interrupted"] = INTERRUPTED
    said = there(*words)
    assert (said.code, said.err) == (0, LINE)


def test_one_interrupted_run_many_and_many_reasons() -> None:
    assert interrupted_line(INTERRUPTED[:1]).startswith("1 run was interrupted (the machine was restarted): a; ")
    mixed = [{**run, "message": run["name"]} for run in INTERRUPTED]
    assert interrupted_line(mixed).startswith("3 runs were interrupted: a, b, c; ")
    assert "e and 4 more" in interrupted_line([{"name": name, "message": None} for name in "abcdefghi"])


HEADER = ("id", "run", "study", "trait", "status", "cycle", "score", "Δ", "coherence")
SPARE = ("study", "trait", "score")


def test_a_list_of_long_names_fits_80_columns() -> None:
    line = ("0123456789", "bliss-dpo-continual-s101-lr0.0003", "bliss-regimes", "bliss", "queued #12 p5", "M6/6")
    lines = [(*line, "100.0", "+64.2", "88.1")] * 2
    shown = layout(HEADER, lines, 80, SPARE)
    assert max(cell_len(line) for line in shown) <= 80
    assert shown[0].split() == ["id", "run", "trait", "status", "cycle", "score", "Δ", "coherence"]
    assert layout(HEADER, lines, None, SPARE)[0].split() == list(HEADER)


def read_only(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    access = os.access
    refused = (lab.root, os.W_OK)
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != refused and access(path, mode))


def test_an_old_state_that_nobody_can_renew_is_called_old(
    idemtui: Idemtui, lab_to_write: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idemtui.server.rebuild import rebuild_lab

    for chain in (DEMO[0], *OPEN):
        write_chain(lab_to_write, chain)
    rebuild_lab(lab_to_write)
    read_only(monkeypatch, lab_to_write)
    said = idemtui("--lab", lab_to_write.root, "ls")
    assert said.code == 0
    assert "cannot be written; this is what lab.duckdb held at 20" in said.err
    assert "sft-running" in said.out


def test_runs_that_died_without_a_server_are_not_called_running(idemtui: Idemtui, lab_to_write: Lab) -> None:
    from idemtui.server.rebuild import rebuild_lab

    write_chain(lab_to_write, OPEN[0])
    rebuild_lab(lab_to_write)
    with connect(lab_to_write) as before:
        assert before.sql("SELECT status FROM runs").tuples() == [("running",)]
    said = idemtui("--lab", lab_to_write.root, "ls", "--json")
    assert [run["status"] for run in said.json] == ["failed"]
    assert "1 run was interrupted" in said.err


def test_a_lab_where_all_is_done_needs_no_server(idemtui: Idemtui, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "served_client", lambda lab: pytest.fail("a server was started"))
    assert idemtui("ls").code == 0


def test_a_dead_socket_is_cleared_and_said_on_stderr(
    idemtui: Idemtui, lab_to_write: Lab, served: Callable[..., Client]
) -> None:
    pid = served("finish").command("status")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: holder_pid(lab_to_write.lock) is None)
    said = idemtui("--lab", lab_to_write.root, "ls", "--json")
    assert (said.code, said.json) == (0, [])
    assert "left by a server that died" in said.err
    assert said.err.count("\n") == 1


def test_a_server_as_a_unit(idemtui: Idemtui, lab_to_write: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(lab_to_write.root.parent))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    here: Idemtui = lambda *words: idemtui("--lab", lab_to_write.root, *words)  # noqa: E731
    said = here("serve", "--install", "--slots", "3")
    assert said.code == 0
    assert "systemctl --user enable --now" in said.out
    text = unit_path(lab_to_write).read_text()
    assert '"--go-on"' in text
    assert '"--slots" "3"' in text
    assert f'"--lab" "{lab_to_write.root}"' in text
    assert "Removed" in here("serve", "--uninstall").out
    assert here("serve", "--install", "--uninstall").code == 2


def test_a_study_is_queued_with_its_priority_and_tells_of_interrupted_runs(
    there: Idemtui, agreed: ContractServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = chain_spec(DEMO[0])
    monkeypatch.setattr("engine.study.resolve_study", lambda path, overrides=None: [spec])
    agreed.status |= {"interrupted": INTERRUPTED, "threads": 3, "device": "cuda"}
    agreed.answers["submit"] = {"runs": [{"run_id": spec.run_id, "name": spec.name, "answer": "queued"}]}
    for words in (("run", "study.toml"), ("demo",)):
        said = there(*words, "--detach", "--priority", "4", "--json")
        assert (said.code, said.err) == (0, LINE)
        assert [run["answer"] for run in said.json] == ["queued"]
        fields = agreed.asked[-1][1]
        assert fields["priority"] == 4
        execution = fields["specs"][0]["execution"]
        assert execution == {**execution, "threads": 3, "device": "cuda", "secrets": []}
