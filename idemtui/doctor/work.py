"""Checks of what the server does: queue, workers, devices, what was interrupted, which secrets it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.locks import held_by
from idemtui.amounts import span
from idemtui.cli.standing import names
from idemtui.doctor.check import Check
from idemtui.doctor.patient import Patient
from idemtui.text import one_line

Facts = dict[str, Any]


def check_queue(patient: Patient, named: dict[str, str]) -> Check:
    """What waits, and why."""
    waiting: list[Facts] = patient.status.get("waiting") or []
    if not waiting:
        return Check("queue", "ok", "nothing waits")
    shown = [
        f"{named.get(run['run_id'], run['run_id'])}"
        + (f" (priority {run['priority']})" if run.get("priority") else "")
        + (f": {one_line(run['reason'])}" if run.get("reason") else "")
        for run in waiting[:5]
    ]
    more = f"; and {len(waiting) - 5} more" if len(waiting) > 5 else ""
    return Check("queue", "ok", f"{len(waiting)} waiting: {'; '.join(shown)}{more}")


def check_workers(patient: Patient, named: dict[str, str]) -> Check:
    """Who works on what, and who has said nothing for too long; without a server, who lives all the same."""
    if not patient.served:
        return _orphans(patient)
    workers: list[Facts] = patient.status.get("workers") or []
    if not workers:
        return Check("workers", "ok", "none")
    allowed = (patient.status.get("settings") or {}).get("silent_seconds") or 0
    silent = [w for w in workers if w.get("silent_seconds") is not None and w["silent_seconds"] >= allowed]
    what = "; ".join(_worker(worker, named) for worker in workers)
    if silent and any(worker.get("run_id") for worker in silent):
        run = next(worker["run_id"] for worker in silent if worker.get("run_id"))
        advice = f"`idemtui show {run}` has the end of its log; `kill PID`, then `idemtui resume`, starts it anew."
        return Check("workers", "warn", what, advice)
    return Check("workers", "ok", what)


def _worker(worker: Facts, named: dict[str, str]) -> str:
    run_id = worker.get("run_id")
    busy = f"on {named.get(run_id, run_id)}" if run_id else f"idle with {worker.get('model') or 'its models'} loaded"
    silent = worker.get("silent_seconds")
    words = [f"process {worker['pid']} ({worker.get('device') or 'cpu'}) {busy}"]
    words += [f"last heard of {span(silent)} ago"] if silent is not None and run_id else []
    words += ["taken over from an earlier server"] if worker.get("adopted") else []
    return ", ".join(words)


def _orphans(patient: Patient) -> Check:
    runs = _holders(patient.lab.runs) | _holders(patient.lab.jobs)
    idle = _holders(patient.lab.root / "workers").keys() - runs.keys()
    found = [f"process {pid} on {folder}" for pid, folder in runs.items()]
    found += [f"process {pid} between two runs" for pid in idle]
    if not found:
        return Check("workers", "ok", "none")
    what = f"{'; '.join(sorted(found))}, without a server that answers"
    return Check("workers", "warn" if runs else "ok", what, "They work on; the next server finds them.")


def _holders(place: Path) -> dict[int, str]:
    """Folder names by the process that holds their `worker.lock`."""
    held = {}
    for folder in place.iterdir() if place.is_dir() else ():
        try:
            pid = held_by(folder / "worker.lock")
        except OSError:
            continue
        if pid is not None:
            held[pid] = folder.name
    return held


def check_devices(patient: Patient) -> Check:
    """What runs could run on, and why a device is left alone."""
    devices: list[Facts] = patient.status.get("devices") or []
    if not devices:
        return Check("devices", "ok", f"{patient.status.get('slots')} workers at a time")
    shown = [
        f"{device.get('name') or device['device']}: {device['state']}"
        + (f" ({one_line(device['reason'])})" if device.get("reason") else "")
        for device in devices
    ]
    all_taken = all(device["state"] in ("taken", "held") for device in devices)
    return Check("devices", "warn" if all_taken else "ok", "; ".join(shown))


def check_interrupted(patient: Patient) -> Check:
    """Runs that a crash or a reboot ended and nobody took up."""
    interrupted: list[Facts] = patient.status.get("interrupted") or []
    if not interrupted:
        return Check("interrupted", "ok", "no run")
    messages = "; ".join(dict.fromkeys(one_line(run["message"]) for run in interrupted if run.get("message")))
    what = f"{len(interrupted)}: {names(interrupted)}" + (f" ({messages})" if messages else "")
    return Check("interrupted", "warn", what, "`idemtui resume --all` goes on with them.")


def check_secrets(patient: Patient) -> Check:
    """Which secrets the server holds, by name."""
    held = sorted(patient.status.get("secrets") or [])
    if not held:
        return Check("secrets", "ok", "the server holds none")
    return Check("secrets", "ok", f"the server holds {', '.join(map(one_line, held))}, in memory only")
