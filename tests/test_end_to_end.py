"""The whole house at once: a study queued from the command line, asked while it trains, ended, rebuilt."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STUDY = """
[study]
name = "end-to-end"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 4
n_seed = 16
n_sampled = 16
[eval]
samples_per_prompt = 3
[[arms]]
"run.regime" = "sft"
[[arms]]
"run.regime" = "sdf"
"run.model" = "pocket/base"
[[arms]]
"run.regime" = "dpo"
"""
SCORES = (
    "select sample_id, metric, value, mass, label, response from scores join samples using (sample_id) order by all"
)
CURVE = "select name, cycle, trait, coherence from trait_curve join runs using (run_id) order by all"


def idemtui(lab: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "idemtui", "--lab", str(lab), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def asked(lab: Path, query: str) -> list[dict[str, Any]]:
    done = idemtui(lab, "sql", query, "--json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def same_curves(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Equal names and cycles; means equal but for the order in which DuckDB adds."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lab"
    idemtui(tmp_path / "lab", "stop")


@pytest.mark.proof
def test_from_a_study_file_to_a_verdict_asked_all_the_while(lab: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY)
    assert idemtui(lab, "run", str(study), "--detach").returncode == 0
    counts, tick = [], threading.Event()
    while not counts or counts[-1]["open"]:
        counts += asked(
            lab,
            "select (select count(*) from samples) n, "
            "(select count(*) from runs where status in ('queued', 'running')) open",
        )
        assert len(counts) < 600, idemtui(lab, "ls").stdout
        tick.wait(0.2)
    assert len({count["n"] for count in counts}) > 5, "nothing could be seen growing"
    assert [row["status"] for row in asked(lab, "select status from runs")] == ["finished"] * 3
    points, scores = asked(lab, CURVE), asked(lab, SCORES)
    assert len(points) == 3 * 6
    assert all(0 <= point["trait"] <= 100 and 0 <= point["coherence"] <= 100 for point in points)
    verdicts = json.loads(idemtui(lab, "verdict", "--json").stdout)
    assert len(verdicts) == 3
    idemtui(lab, "stop")
    assert asked(lab, CURVE) == points, "without a server the file answers the same"
    (lab / "lab.duckdb").unlink()
    assert idemtui(lab, "rebuild").returncode == 0
    assert asked(lab, SCORES) == scores
    same_curves(asked(lab, CURVE), points)
    again = idemtui(lab, "run", str(study), "--headless")
    assert again.returncode == 0, again.stderr
    assert asked(lab, SCORES) == scores, "a finished study is not run again"
