"""Two GPUs as NVML would tell of them, in a real server's status, on the command line and above the console's runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from idemtui.cli.main import run
from idemtui.console.facts import Glance
from idemtui.console.lab_facts import server_of
from idemtui.console.widgets.strip import strip_text
from store.client import Client
from store.lab import Lab
from tests.idemtui.conftest import until
from tests.store.journals import DEMO, chain_spec

FAKE_NVML = Path(__file__).parents[1] / "fake_nvml"
SPEC = chain_spec(DEMO[0]).model_dump(mode="json")
GPUS = [
    {"uuid": "GPU-00000000-aaaa", "name": "NVIDIA H200", "total": 141_000_000_000, "used": 12_000_000_000,
     "utilization": 97, "power": 612.3, "temperature": 61, "processes": []},
    {"uuid": "GPU-00000001-aaaa", "name": "NVIDIA H200", "total": 141_000_000_000, "used": 139_000_000_000,
     "utilization": 100, "power": 690.0, "temperature": 70, "processes": [[1, 138_500_000_000]]},
]  # fmt: skip


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the server's NVML reads."""
    told = tmp_path / "nvml.json"
    told.write_text(json.dumps(GPUS))
    monkeypatch.setenv("FAKE_NVML", str(told))
    monkeypatch.setenv("PYTHONPATH", f"{FAKE_NVML}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return told


def on_gpu() -> dict[str, object]:
    return {**SPEC, "execution": {**SPEC["execution"], "device": "cuda"}}


def test_gpus_are_told_with_their_figures_and_whose_processes_are_on_them(
    lab_to_write: Lab, served: Callable[..., Client], gpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = served("hold")
    client.command("submit", specs=[on_gpu()])
    status = until(
        lambda: (told := client.command("status"))["workers"] and told["workers"][0]["run_id"] and told, "a worker"
    )
    ours, theirs = status["devices"]
    assert (status["device"], ours["state"], theirs["state"]) == ("cuda", "busy", "taken")
    assert (ours["memory_used"], ours["memory_total"], ours["utilization"]) == (12_000_000_000, 141_000_000_000, 97.0)
    assert (ours["power"], ours["temperature"], ours["processes"]) == (612.3, 61.0, [])
    (process,) = theirs["processes"]
    assert (process["pid"], process["memory"], process["ours"]) == (1, 138_500_000_000, False)
    assert process["user"] == "root"

    with pytest.raises(SystemExit):
        run(["--lab", str(lab_to_write.root), "devices", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [row["device"] for row in told] == ["GPU-00000000-aaaa", "GPU-00000001-aaaa"]
    assert [row["runs"] for row in told] == [[SPEC["run_id"]], []]
    with pytest.raises(SystemExit):
        run(["--lab", str(lab_to_write.root), "devices"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [
        "GPU", "0:", "NVIDIA", "H200", "busy", "12/141", "GB", "97", "%", "612", "W", "61", "°C", SPEC["run_id"],
    ]  # fmt: skip
    assert any("root: " in line and "138 GB (process 1), somebody else's" in line for line in lines)
    (lab_to_write.run(SPEC["run_id"]) / "release").touch()

    server = server_of(status, status["version"])
    wide = strip_text(server, Glance(()), 140, tall=True).plain
    assert "GPU 0: NVIDIA H200 busy, 10/141 GB used, 95 %, 600 W, 60 °C" in wide
    assert "GPU 1: NVIDIA H200 taken, 140/141 GB used" in wide
    assert "beside root: " in wide
    narrow = strip_text(server, Glance(()), 80, tall=False).plain
    assert narrow.startswith(" devices 1 busy, 1 taken   150/282 GB used, 98 % busy   1 worker")
    assert cell_len(narrow) <= 80


def test_a_watt_and_a_percent_are_no_news_for_the_console() -> None:
    def seen(**figures: float) -> object:
        row = {"device": "GPU-a", "name": "GPU 0: H200", "state": "busy", "reason": None, "memory_total": 141 * 10**9}
        return server_of({"version": "1", "pid": 1, "devices": [{**row, **figures}]}, "1")

    before = seen(memory_used=61.1e9, utilization=97.0, power=612.0, temperature=61.0)
    assert seen(memory_used=61.9e9, utilization=96.0, power=590.0, temperature=60.0) == before
    assert seen(memory_used=71.3e9, utilization=97.0, power=612.0, temperature=61.0) != before


def test_an_idle_lab_is_not_drawn_again_for_what_else_the_machine_does() -> None:
    def seen(used: float, busy: float, *processes: dict[str, object]) -> object:
        row = {"device": "cpu", "name": "2 workers", "state": "free", "reason": None, "memory_total": 16 * 10**9}
        told = {**row, "memory_used": used, "utilization": busy, "processes": list(processes)}
        return server_of({"version": "1", "pid": 1, "devices": [told]}, "1")

    ours = {"pid": 7, "user": "ada", "program": "python", "memory": 10**9, "ours": True}
    assert seen(3.2e9, 5.0) == seen(2.9e9, 95.0)
    assert seen(3.2e9, 5.0, ours) != seen(3.2e9, 95.0, ours)


def test_a_cpu_says_how_full_and_busy_the_machine_is_without_a_server(
    lab_to_write: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(["--lab", str(lab_to_write.root), "devices", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["device"], row["runs"], row["processes"]) == ("cpu", [], [])
    assert 0 < row["memory_used"] < row["memory_total"]
