"""What commands say of GPUs, through nvidia-ml-py and a library that answers as a driver does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.pretended.gpus import GB, Gpus

STUDY = """
[study]
name = "demo"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
"""


def said(gpus: Gpus, lab: Path, *words: str, visible: str | None = None) -> str:
    """What a command prints on a machine with these GPUs, where no lab server runs."""
    shown = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    line = [sys.executable, "-m", "idemtui", "--lab", str(lab), *words]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, **gpus.environment, **shown})
    assert not done.stderr, done.stderr
    return done.stdout


def test_devices_says_what_the_driver_says(driver: Gpus, tmp_path: Path) -> None:
    uuids = driver.uuids
    driver.others_hold(uuids[1], 3 * GB)
    (driver.folder / uuids[1] / "processes" / str(os.getpid())).write_bytes((GB // 2).to_bytes(8, "little"))
    first, second = json.loads(said(driver, tmp_path / "lab", "devices", "--json"))
    assert (first["device"], first["state"], first["power"], first["temperature"]) == (uuids[0], "free", 321, 54)
    assert (second["memory_used"], second["memory_total"], second["state"]) == (7 * GB // 2, 4 * GB, "taken")
    [process] = second["processes"]
    assert (process["pid"], process["memory"]) == (os.getpid(), GB // 2)
    [only] = json.loads(said(driver, tmp_path / "lab", "devices", "--json", visible=uuids[1]))
    assert only["device"] == uuids[1]


def test_a_driver_that_fails_is_one_line(driver: Gpus, tmp_path: Path) -> None:
    driver.fail(999)
    [row] = json.loads(said(driver, tmp_path / "lab", "devices", "--json"))
    assert (row["device"], row["reason"]) == ("cpu", "no GPU can be seen: NVML says 'Unknown Error'")


def test_a_preflight_without_a_server_reckons_with_the_gpus(driver: Gpus, tmp_path: Path) -> None:
    study = tmp_path / "demo.toml"
    study.write_text(STUDY)
    lines = said(driver, tmp_path / "lab", "preflight", str(study))
    assert "Pretended GPU 0: 4.0 GB free" in lines or "Pretended GPU 1: 4.0 GB free" in lines
    assert "with 2 runs at a time" in lines
    assert "a GPU of 15 TFLOP/s drawing" in lines
    alone = said(driver, tmp_path / "lab", "preflight", str(study), visible="1")
    assert "Pretended GPU 1: 4.0 GB free" in alone
    assert "runs at a time" not in alone
    assert "threads of" in said(driver, tmp_path / "lab", "preflight", str(study), visible="")


@pytest.mark.skipif(torch.version.cuda is not None, reason="a torch with CUDA lacks nothing")
def test_doctor_names_driver_gpus_and_what_torch_lacks(driver: Gpus, tmp_path: Path) -> None:
    lines = said(driver, tmp_path / "lab", "doctor", "--json")
    [gpus] = (check for check in json.loads(lines) if check["name"] == "gpus")
    assert gpus["level"] == "bad"
    assert "driver 590.48.01 (CUDA 13.1)" in gpus["what"]
    assert "GPU 1 Pretended GPU: 4.0 GB of 4.0 GB free: this torch has no CUDA" in gpus["what"]
