"""Ratios within one run, printed: `make benchmarks`. Nothing else should run on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from engine.journal import read_entries
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.engine.workers import finish, start_worker, write_run

pytestmark = pytest.mark.benchmark

STUDY = """
[study]
name = "speed"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = {cycles}
"""


def spec_of(folder: Path, cycles: int) -> RunSpec:
    path = folder / "study.toml"
    path.write_text(STUDY.format(cycles=cycles))
    return resolve_study(path, threads=2)[0]


def told(module: str, *arguments: str) -> float:
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def chain_seconds(run: Path) -> float:
    """From the start event, written once the models are loaded, to the last event."""
    stamps = [datetime.fromisoformat(entry.ts) for entry in read_entries(run / "events.jsonl")]
    return (stamps[-1] - stamps[0]).total_seconds()


def test_a_chain_over_its_bare_compute(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, cycles=6)
    ratios = []
    for turn in range(3):
        run = write_run(tmp_path / f"run{turn}", spec)
        assert finish(start_worker(run))[0] == 0
        ratios.append(chain_seconds(run) / told("bare", str(run)))
    print(
        f"\nchain over bare compute: {sorted(ratios)[1]:.2f} (of {', '.join(f'{r:.2f}' for r in ratios)}); wanted ≤ 1.3"
    )


def test_a_chain_against_a_process_per_stage(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, cycles=3)
    run = write_run(tmp_path / "run", spec)
    started = time.monotonic()
    assert finish(start_worker(run))[0] == 0
    ours = time.monotonic() - started
    (tmp_path / "peer").mkdir()
    peer = told("stage_per_process", str(run / "spec.json"), str(tmp_path / "peer"))
    print(f"\nprocess per stage over ours: {peer / ours:.1f} ({peer:.1f} s / {ours:.1f} s, start included); wanted ≥ 6")


def test_start_up(tmp_path: Path) -> None:
    def seconds(*command: str) -> float:
        times = []
        for _ in range(7):
            started = time.monotonic()
            subprocess.run([sys.executable, *command], capture_output=True, check=True, cwd=tmp_path)
            times.append(time.monotonic() - started)
        return sorted(times)[3]

    python = seconds("-c", "pass")
    shown = seconds("-m", "idemtui", "--help")
    print(f"\nidemtui --help: {shown:.2f} s (python itself {python:.2f} s); wanted ≤ 0.3 s")
