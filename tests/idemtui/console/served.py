"""What a lab server may say of itself, as `status` gives it."""

from __future__ import annotations

from typing import Any

from idemtui.version import VERSION


def status(**more: Any) -> dict[str, Any]:
    """A quiet server with one device, as of this version; `more` replaces whole keys."""
    quiet: dict[str, Any] = {
        "version": VERSION,
        "protocol": 1,
        "pid": 4100,
        "lab": "lab",
        "started_at": "2026-11-21T09:00:00.000+00:00",
        "slots": 1,
        "threads": 2,
        "device": "cpu",
        "idle_seconds": 0.0,
        "ends_in_seconds": None,
        "waiting": [],
        "workers": [],
        "devices": [{"device": "cpu", "name": "2 cores", "state": "free", "reason": None}],
        "disk": {"free_bytes": 120_000_000_000, "reserve_bytes": 256_000_000, "low": False},
        "trouble": None,
        "interrupted": [],
        "secrets": [],
        "settings": {"silent_seconds": 1800},
    }
    return {**quiet, **more}


def worker(run_id: str | None, **more: Any) -> dict[str, Any]:
    """A worker process that has a run."""
    usual = {"pid": 4242, "device": "cpu", "model": "pocket/instruct", "silent_seconds": None, "adopted": False}
    return {"run_id": run_id, **usual, **more}


def working(run_id: str, waiting: tuple[tuple[str, int, str], ...] = (), **more: Any) -> dict[str, Any]:
    """A server whose one device works on a run while others wait."""
    return status(
        workers=[worker(run_id)],
        devices=[{"device": "cpu", "name": "2 cores", "state": "busy", "reason": None}],
        waiting=[{"run_id": one, "priority": priority, "reason": reason} for one, priority, reason in waiting],
        **more,
    )
