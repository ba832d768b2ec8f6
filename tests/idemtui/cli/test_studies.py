import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.spec import RunSpec
from idemtui.cli import follow
from idemtui.console.facts import Point, Run, Stage
from store.client import Client
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import until
from tests.idemtui.hostile import HOSTILE, obeyed
from tests.store.journals import DEMO, chain_spec

Serve = Callable[..., Client]
SPECS = [chain_spec(chain) for chain in DEMO]


@pytest.fixture(autouse=True)
def study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any study file resolves to the invented demo; looks follow each other quickly."""

    def resolved(path: Path, overrides: dict[str, Any] | None = None) -> list[RunSpec]:
        return SPECS[:2]

    monkeypatch.setattr("engine.study.resolve_study", resolved)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.05)


def status(client: Client, run_id: str) -> str:
    rows = client.sql("SELECT status FROM runs WHERE run_id = ?", [run_id]).tuples()
    return str(rows[0][0]) if rows else ""


@pytest.fixture
def here(idemtui: Idemtui, lab_to_write: Lab) -> Idemtui:
    return lambda *words: idemtui("--lab", lab_to_write.root, *words)


def test_a_study_is_followed_to_its_verdict(here: Idemtui, served: Serve) -> None:
    served("finish")
    said = here("run", "study.toml", "--headless")
    assert (said.code, said.err) == (0, "")
    assert "sft-reset: M3 of 6: trait" in said.out
    assert said.out.count(": finished") == 2
    assert "one chain" in said.out
    outcome = here("run", "study.toml", "--json").json
    assert [run["answer"] for run in outcome] == ["already finished"] * 2
    assert [run["verdict"]["label"] for run in outcome] == ["one chain"] * 2
    again = here("run", "study.toml", "--again", "--detach", "--json").json
    assert not {run["run_id"] for run in again} & {spec.run_id for spec in SPECS}


def test_a_study_whose_runs_fail_ends_with_1(here: Idemtui, served: Serve) -> None:
    served("crash")
    said = here("run", "study.toml")
    assert said.code == 1
    assert "sft-reset: failed: ended with exit code 3" in said.out


@pytest.mark.parametrize("words", [("--headless",), ("--json",), ("--detach",)])
def test_what_following_prints_no_terminal_obeys(
    here: Idemtui, served: Serve, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Names of runs, studies and cells, what a worker says of its end, notes and marks."""
    named = {"study": f"study {HOSTILE}", "cell": f"cell {HOSTILE}"}
    specs = [spec.model_copy(update={**named, "name": f"{spec.name} {HOSTILE}"}) for spec in SPECS[:2]]
    monkeypatch.setattr("engine.study.resolve_study", lambda path, overrides=None: specs)
    served("hostile")
    said = here("run", "study.toml", *words)
    assert "[bold]kept[/]" in said.out
    assert not obeyed(said.out + said.err)
    if words == ("--headless",):
        assert said.code == 1
        assert "failed: [bold]kept[/] one two three red" in said.out
        assert re.search("sft-reset .* M3 of 6: trait", said.out)
        for more in (
            ("ls",),
            ("show", specs[0].run_id),
            ("show", specs[1].run_id),
            ("verdict",),
            ("retry", specs[1].run_id),
        ):
            assert not obeyed((said := here(*more)).out + said.err), more


def test_detached_runs_are_paused_cancelled_and_resumed(here: Idemtui, served: Serve) -> None:
    client, run_id = served("hold", slots=1), SPECS[0].run_id
    queued = here("demo", "--detach", "--json").json
    assert [run["answer"] for run in queued] == ["queued"] * 2
    until(lambda: status(client, run_id) == "running")
    assert "queued #1" in here("ls").out
    assert here("priority", SPECS[1].name, "3").code == 0
    assert "queued #1 p3" in here("ls").out
    assert here("cancel", SPECS[1].name).out.split() == [SPECS[1].run_id, SPECS[1].name, "cancelled"]
    paused = here("pause", "sft-reset", "--json").json[0]
    assert (paused["run_id"], paused["answer"]) == (run_id, "pausing")
    until(lambda: status(client, run_id) == "paused")
    assert "paused" in here("ls").out
    assert here("resume", "--all").out == "Nothing to resume.\n"
    assert [run["answer"] for run in here("resume", run_id, "--json").json] == ["continued"]
    assert here("resume").code == 2
    until(lambda: status(client, run_id) == "running")
    said = here("retry", run_id)
    assert said.code == 2
    assert said.err.startswith("idemtui: ")
    stopped = here("stop", "--json").json
    assert list(stopped["workers"]) == [run_id]
    assert here("stop").out == "No server was running.\n"


def test_a_failed_run_is_shown_with_its_log_retried_and_removed(here: Idemtui, served: Serve) -> None:
    client = served("crash", slots=1)
    here("run", "study.toml", "--json")
    out = here("show", "sft-reset").out
    assert "failed: ended with exit code 3" in out
    assert "  | fake worker: no memory left" in out
    assert {run["answer"] for run in here("retry", "--all", "--json").json} <= {"queued", "continued"}
    until(lambda: [status(client, spec.run_id) for spec in SPECS[:2]] == ["failed"] * 2)
    removed = here("rm", "sft-reset", "sdf-reset", "--yes")
    assert removed.code == 0
    assert "Deleted 2 runs" in removed.out
    assert here("ls", "--json").json == []


def test_ctrl_c_leaves_the_runs_going(here: Idemtui, served: Serve) -> None:
    client = served("hold")

    def interrupt() -> None:
        until(lambda: status(client, SPECS[0].run_id) == "running")
        os.kill(os.getpid(), signal.SIGINT)

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    said = here("run", "study.toml", "--headless")
    waiting.join()
    assert said.code == 130
    assert "the runs go on" in said.err
    assert status(client, SPECS[0].run_id) == "running"


def test_a_server_that_dies_while_a_study_is_followed_is_replaced(
    here: Idemtui, served: Serve, lab_to_write: Lab
) -> None:
    client = served("hold", slots=2)
    first = client.command("status")["pid"]

    def kill_then_release() -> None:
        try:
            until(lambda: all(status(client, spec.run_id) == "running" for spec in SPECS[:2]))
            os.kill(first, signal.SIGKILL)
        finally:
            for spec in SPECS[:2]:
                (lab_to_write.run(spec.run_id) / "release").touch()

    killing = threading.Thread(target=kill_then_release)
    killing.start()
    said = here("run", "study.toml", "--headless")
    killing.join()
    assert said.code == 0
    assert said.out.count(": finished") == 2


def test_a_lab_that_cannot_be_made_is_one_line(idemtui: Idemtui) -> None:
    said = idemtui("--lab", "/proc/nowhere/lab", "demo", "--detach")
    assert said.code == 1
    assert said.err.startswith("idemtui: lab folder /proc/nowhere/lab: ")


def test_calls_that_make_no_sense_end_with_2(here: Idemtui) -> None:
    assert here("run", "study.toml", "--detach", "--headless").code == 2
    assert here("run").code == 2
    assert here("nonsense").code == 2
    assert here("--lab").code == 2
    said = here()
    assert said.code == 2
    assert "needs a terminal" in said.err


def test_the_live_table_fits_80_columns() -> None:
    points = (Point(-1, 2.0, coherence=97.0), Point(0, 30.0, coherence=95.0), Point(1, 45.5, coherence=90.1))
    names = ("bliss", "m", "dpo", "previous", None, None)
    waiting = Run(
        "ab", "demo", "bliss-dpo-continual-s101", "c", "queued", *names, cycles=6, seed=1, n_seed=2, n_sampled=3
    )
    live = replace(waiting, status="running", points=points, stage=Stage(2, "train", 12, 48))
    failed = replace(waiting, status="failed", message="GuardError: the training took 0 optimizer steps")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(follow.live_table([waiting, live, failed], 95.0, 80))
    text = console.export_text()
    assert "bliss-dpo-continual-s101  ━━━" in text
    assert "M2 train 25%" in text
    assert "+15.5" in text
    assert "failed: GuardErr" in text
    assert "about 2 min to go" in text


def test_a_reader_that_goes_away_is_no_error(lab: Lab) -> None:
    command = [
        sys.executable,
        "-m",
        "idemtui.cli.main",
        "--lab",
        str(lab.root),
        "sql",
        "from events, range(50)",
        "--csv",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
