"""Lets a worker be killed at an instant that no watcher outside can hit: between two system calls.

Found through PYTHONPATH by the processes of a proof's lab. A worker that reaches the point named in the file
$IDEMTUI_PROOF_KILL sends itself SIGKILL there, which the kernel carries out like anybody else's; the file's renaming
tells the watcher that it was here. The file holds one JSON object:

    {"event": "rows_built", "cycle": 1, "purpose": null, "when": "before" | "torn" | "after"}   a journal's line
    {"rename": "adapter"}                    the adapter's draft, cut in half, never reaches its name
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

PLAN = os.environ.get("IDEMTUI_PROOF_KILL", "")


def die() -> None:
    Path(PLAN).rename(f"{PLAN}.done")
    os.kill(os.getpid(), signal.SIGKILL)


def wanted() -> dict[str, Any]:
    try:
        plan: dict[str, Any] = json.loads(Path(PLAN).read_bytes())
    except OSError:
        return {}
    return plan


def watch_journal() -> None:
    from engine.journal import Journal

    append = Journal.append

    def watched(self: Journal, event: Any, **options: Any) -> None:
        plan = wanted()
        hit = plan.get("event") == event.type and all(
            plan.get(key) is None or getattr(event, key, None) == plan[key] for key in ("cycle", "purpose", "stage")
        )
        if hit and plan["when"] == "before":
            die()
        if hit and plan["when"] == "torn":
            with self.path.open("ab") as file:
                file.write(b'{"seq":999,"ts":"2026-01-01T00:00:00.000+00:00","type":"' + event.type.encode())
            die()
        append(self, event, **options)
        if hit:
            die()

    Journal.append = watched  # type: ignore[method-assign]


def watch_renames(name: str, arguments: tuple[Any, ...]) -> None:
    if name != "os.rename" or "rename" not in (plan := wanted()):
        return
    draft, target = Path(os.fsdecode(arguments[0])), Path(os.fsdecode(arguments[1]))
    if target.name == plan["rename"]:
        weights = draft / "adapter_model.safetensors"
        os.truncate(weights, weights.stat().st_size // 2)
        die()


if PLAN and "engine.worker" in sys.orig_argv:
    watch_journal()
    sys.addaudithook(watch_renames)
