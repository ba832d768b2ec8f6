"""Devices above the lab's runs: a GPU of ours beside one that somebody else fills, and a CPU."""

from __future__ import annotations

from typing import Any

import pytest

from tests.idemtui.console.conftest import QUEUED, RUNNING, House
from tests.idemtui.console.served import status, worker
from tests.idemtui.console.test_snapshots import SIZES, Snap, after

GB = 1_000_000_000


def process(pid: int, user: str, memory: int, ours: bool = False) -> dict[str, Any]:
    return {"pid": pid, "user": user, "program": "python", "memory": memory, "ours": ours}


def device(name: str, state: str, used: int, total: int, busy: float, *processes: dict[str, Any]) -> dict[str, Any]:
    figures = {"memory_used": used, "memory_total": total, "utilization": busy, "power": None, "temperature": None}
    reason = "GPU 1 is left alone: 71 GB of 141 GB in use by process 77 (python)" if state == "taken" else None
    known = {"device": name if name == "cpu" else f"GPU-{name[4]}", "name": name, "state": state, "reason": reason}
    return {**known, **figures, "processes": list(processes), "more_processes": 0}


def two_gpus() -> dict[str, Any]:
    ours = device("GPU 0: NVIDIA H200", "busy", 61 * GB, 141 * GB, 97.0, process(4242, "ada", 60 * GB, ours=True))
    theirs = device("GPU 1: NVIDIA H200", "taken", 71 * GB, 141 * GB, 100.0, process(77, "bob", 71 * GB))
    waiting = [{"run_id": QUEUED, "priority": 0, "reason": "waits for a free slot"}]
    return status(
        slots=2,
        device="cuda",
        devices=[{**ours, "power": 612.3, "temperature": 61.0}, {**theirs, "power": 690.0, "temperature": 72.0}],
        workers=[worker(RUNNING, device="GPU-0")],
        waiting=waiting,
    )


def one_cpu() -> dict[str, Any]:
    cpu = device("cpu", "busy", 6_213_000_000, 16 * GB, 98.2, process(4242, "ada", 1_342_000_000, ours=True))
    return status(devices=[{**cpu, "name": "2 workers side by side, 1 threads each"}], workers=[worker(RUNNING)])


@SIZES
@pytest.mark.parametrize(("state", "told"), [("gpus", two_gpus()), ("cpu", one_cpu())], ids=["gpus", "cpu"])
def test_devices(house: House, snap_compare: Snap, size: tuple[int, int], state: str, told: dict[str, Any]) -> None:
    house.status = told
    assert snap_compare(house.console(), terminal_size=size, run_before=after())
