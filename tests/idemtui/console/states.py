"""A lab in which something is the matter with most runs, and the server's view of it."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.commands import Command
from tests.idemtui.console.served import status, worker
from tests.store.journals import START, Chain, chain_spec, stamp, write_lab

PARENT = Chain("sft-reset")
FORK = dataclasses.replace(
    PARENT, name="warmer", trait=(2, 47, 41, 33, 45, 58, 66, 71), parent=PARENT, forked_at=2, minutes=2
)
PAUSED = Chain("sft-paused", status="paused", seed=102, minutes=4)
SILENT = Chain("sft-silent", status="running", seed=103, minutes=5)
KILLED = Chain("sft-killed", status="killed", seed=104, done=1, minutes=6)
WAITING = Chain("sft-waiting", status="queued", seed=105, minutes=7)
CHAINS = (PARENT, FORK, PAUSED, SILENT, KILLED, WAITING)
TAIL = ("Traceback (most recent call last):", '  File "train.py", line 3', "MemoryError: no room for 2 GiB")
IDS = {chain.name: chain_spec(chain).run_id for chain in CHAINS}


def write_troubled(root: Path) -> Path:
    """The lab folder; the killed run's log ends in a traceback, also in what the server recorded of it."""
    lab = write_lab(root, CHAINS)
    _state_regime(lab.run(IDS["sft-reset"]) / "spec.json")
    folder = lab.run(IDS["sft-killed"])
    (folder / "worker.log").write_text("step 11 of 12\n" + "\n".join(TAIL) + "\n")
    at = stamp(START + timedelta(hours=2))
    message = "the worker was killed by signal 9 (out of memory?)"
    ended = Command(ts=at, type="worker_exited", exit_code=-9, message=message, log_tail=TAIL)
    with (folder / "commands.jsonl").open("a") as file:
        file.write(ended.model_dump_json(exclude_defaults=True) + "\n")
    return lab.root


def _state_regime(file: Path) -> None:
    spec = json.loads(file.read_text())
    spec["origins"] |= dict.fromkeys(("run.regime", "run.cycles", "run.n_seed", "run.n_sampled", "run.seed"), "study")
    file.write_text(json.dumps(spec))


def troubled_status(**more: Any) -> dict[str, Any]:
    """Two GPUs, one of them somebody else's; a silent worker, little disk, a run with a priority."""
    facts: dict[str, Any] = {
        "slots": 2,
        "device": "cuda",
        "devices": [
            {"device": "GPU-0", "name": "NVIDIA H200", "state": "busy", "reason": None},
            {"device": "GPU-1", "name": "NVIDIA H200", "state": "taken", "reason": "python (process 77) holds 71 GB"},
        ],
        "workers": [worker(IDS["sft-silent"], device="GPU-0", silent_seconds=1893.2, adopted=True)],
        "waiting": [{"run_id": IDS["sft-waiting"], "priority": 2, "reason": "waits for a free device"}],
        "disk": {"free_bytes": 210_000_000, "reserve_bytes": 256_000_000, "low": True},
    }
    return status(**{**facts, **more})


def interrupted(*names: str) -> list[dict[str, Any]]:
    """Runs that a reboot ended."""
    return [{"run_id": IDS[name], "name": name, "message": "the machine was restarted"} for name in names]
