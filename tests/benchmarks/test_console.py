"""What the console costs in a real terminal, beside its peers: `make benchmarks`.

A lab of `CONSOLE_RUNS` times a thousand samples (100 by default; 1000 is what the limits are meant for) or the lab that
$CONSOLE_LAB names, its server in a process of its own, the console in a terminal of 140×45. Peers (harlequin, visidata,
wandb) are measured in the same run where $CONSOLE_PEERS names the folder of their programs, an environment of its own.
Nothing else should run on the machine; its load is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from store.client import connect
from store.lab import Lab, create_lab, find_lab
from store.rebuild import rebuild
from tests.benchmarks.lab_size import write_big_lab
from tests.benchmarks.terminal import Screen, opened, p

os.environ.setdefault("ACERO_ALIGNMENT_HANDLING", "ignore")
"""Rows that came by the socket are not aligned as Arrow would like; here they go to a file at once."""
pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(2400)]

RUNS = int(os.environ.get("CONSOLE_RUNS", "100"))
PEERS = os.environ.get("CONSOLE_PEERS", "")
WALK = (*["j"] * 20, *["\x1b[6~"] * 15, *["k"] * 5, "G", *["\x1b[5~"] * 10, "g", *["j"] * 10)
OFTEN = "ea.*tion?"
LIMITS = {
    "first text, s": "no later than harlequin",
    "ready, s": "",
    "opening Samples, s": "≤ 0.3",
    "opening Samples on the whole lab, s": "≤ 0.3",
    "key to settled p50, ms": "",
    "key to settled p95, ms": "≤ 40 (aim 25)",
    "regex, first results, s": "≤ 0.5",
    "a key while it searches, ms": "≤ 40",
    "opening a run, s": "",
    "resident, MB": "≤ 150 (aim 110)",
    "idle, B/s": "0",
    "idle, % of a core": "≤ 0.5",
    "two runs live, B/s": "≤ 5,000",
}
STUDY = """
[study]
name = "live"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 40
[grid]
"run.seed" = [1, 2]
"""


def idemtui(lab: Lab, *words: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "idemtui", "--lab", lab.root, *words]


@contextmanager
def served(lab: Lab) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", "idemtui.server.main", "--lab", lab.root], stderr=subprocess.PIPE
    ) as s:
        try:
            with connect(lab) as client:
                while not client.served():
                    assert s.poll() is None
                assert client.sync(600)
            yield
        finally:
            s.terminate()
            s.communicate()


def big_lab(folder: Path) -> Lab:
    if held := os.environ.get("CONSOLE_LAB"):
        return find_lab(held)
    lab, _ = write_big_lab(folder / "lab", RUNS)
    rebuild(lab)
    return lab


@contextmanager
def console(lab: Lab, home: Path) -> Iterator[Screen]:
    folders = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    with opened(idemtui(lab), **folders) as screen:
        yield screen


def walked(lab: Lab, home: Path) -> dict[str, float]:
    """A lab where nothing happens."""
    found: dict[str, float] = {}
    with console(lab, home) as screen:
        found["first text, s"] = screen.sees("1 Runs")
        screen.sees("run-1")
        found["ready, s"] = screen.still()
        found["opening a run, s"] = screen.key("2")
        found["opening Samples, s"] = screen.key("3")
        for _ in range(4):
            screen.key("p")
        found["opening Samples on the whole lab, s"] = screen.key("a")
        keys = [1000 * screen.key(key) for key in WALK]
        found["key to settled p50, ms"], found["key to settled p95, ms"] = p(0.5, keys), p(0.95, keys)
        screen.key("/")
        screen.key(f"/{OFTEN}")
        screen.press("\r")
        found["regex, first results, s"] = screen.sees("›")
        while screen.read(0.0):
            pass
        screen.press("j")
        found["a key while it searches, ms"] = 1000 * screen.sees("›")
        screen.still()
        found["resident, MB"] = screen.resident_mb()
        found["idle, B/s"], found["idle, % of a core"] = screen.rest(20.0)
    return found


def live_bytes(folder: Path) -> float:
    """What two real runs of the pocket lab send to a terminal that nobody touches."""
    lab = create_lab(find_lab(folder / "live"))
    study = folder / "live.toml"
    study.write_text(STUDY)
    try:
        subprocess.run(idemtui(lab, "run", study, "--detach"), check=True, capture_output=True)
        with console(lab, folder) as screen:
            screen.sees("2 running", "M1", patience=300.0)
            return screen.rest(20.0)[0]
    finally:
        with connect(lab) as client:
            held = [row["run_id"] for row in client.sql("SELECT run_id FROM runs").rows()]
        subprocess.run(idemtui(lab, "cancel", *held), check=True, capture_output=True)
        subprocess.run(idemtui(lab, "stop"), check=False, capture_output=True)


def peer(command: list[str | Path], keys: tuple[str, ...], ready: float) -> dict[str, float]:
    """The same of a program of other people, which is given `ready` seconds to draw its first picture."""
    found: dict[str, float] = {}
    with opened(command, HOME=os.environ.get("CONSOLE_HOME", os.environ["HOME"])) as screen:
        while not screen.words().strip():
            screen.read(1.0)
        found["first text, s"] = screen.last - screen.started
        screen.rest(ready)
        pressed = [1000 * screen.key(key) for key in keys]
        found["key to settled p50, ms"], found["key to settled p95, ms"] = p(0.5, pressed), p(0.95, pressed)
        found["resident, MB"] = screen.resident_mb()
        found["idle, B/s"], found["idle, % of a core"] = screen.rest(15.0)
    return found


WANDB = """
import math, wandb
quiet = wandb.Settings(silent=True, console="off")
for seed in range(4):
    run = wandb.init(mode="offline", dir="{folder}", project="console", settings=quiet)
    for step in range(1000):
        run.log({{f"metric{{i}}": math.sin(seed + step / 50 + i) for i in range(8)}})
    run.finish()
"""
"""Four finished runs of 1,000 steps, for the peer that looks at runs."""


def peers(lab: Lab, folder: Path) -> Iterator[tuple[str, dict[str, float] | str]]:
    """Each peer's figures, or why there are none."""
    file, table = folder / "peer.duckdb", folder / "peer.csv"
    with connect(lab) as client:
        rows = client.sql("SELECT sample_id, cycle, purpose, prompt, response, tokens FROM samples").table
    with duckdb.connect(str(file)) as database:
        database.register("rows", rows)
        database.execute("CREATE TABLE samples AS SELECT * FROM rows")
        database.execute(f"COPY samples TO '{table}' (HEADER)")
    bin_ = Path(PEERS)
    commands: dict[str, tuple[list[str | Path], tuple[str, ...], float]] = {
        "harlequin": ([bin_ / "harlequin", file], tuple("select 1 from samples"), 6.0),
        "visidata": ([bin_ / "vd", table], WALK, 15.0),
        "wandb": ([bin_ / "wandb", "leet", folder / "wandb"], ("\x1b[B", "\x1b[A") * 15, 6.0),
    }
    for name, (command, keys, ready) in commands.items():
        if not PEERS:
            yield name, "$CONSOLE_PEERS names no folder"
        elif not Path(command[0]).exists():
            yield name, f"{command[0]} is not installed"
        else:
            if name == "wandb":
                made = [bin_ / "python", "-c", WANDB.format(folder=folder)]
                subprocess.run(made, check=True, capture_output=True, env={**os.environ, "WANDB_MODE": "offline"})
            try:
                yield name, peer(command, keys, ready)
            except AssertionError as error:
                yield name, f"it ended: {str(error)[:160]}"


def test_what_the_console_costs(tmp_path: Path) -> None:
    lab = big_lab(tmp_path)
    with served(lab):
        with connect(lab) as client:
            samples = client.sql("SELECT count(*) AS n FROM samples").rows()[0]["n"]
        columns: dict[str, dict[str, float]] = {"idemtui": walked(lab, tmp_path)}
        missing = {}
        for name, found in peers(lab, tmp_path):
            if isinstance(found, str):
                missing[name] = found
            else:
                columns[name] = found
    columns["idemtui"]["two runs live, B/s"] = live_bytes(tmp_path)
    print(f"\n{samples:,} samples, 140×45, load {os.getloadavg()[0]:.1f}, console process only")
    print(f"{'':36}{''.join(f'{name:>12}' for name in columns)}  limit")
    for name, limit in LIMITS.items():
        cells = "".join(f"{found[name]:>12,.3g}" if name in found else f"{'–':>12}" for found in columns.values())
        print(f"{name:36}{cells}  {limit}")
    for name, reason in missing.items():
        print(f"{name}: not measured, {reason}")
    if file := os.environ.get("CONSOLE_JSON"):
        Path(file).write_text(json.dumps(columns))
