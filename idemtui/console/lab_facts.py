"""What the lab's server says of itself, as the screens are given it: frozen, plain, coarse.

Seconds and bytes change with every look; here they are minutes and hundredths of a gigabyte, so that a lab in which
nothing happens is not drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idemtui.device_words import coarse

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Device:
    """One place where a worker could run; `state` is free, busy, taken or held, with the reason for the last two."""

    device: str
    name: str
    state: str
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Memory, how busy it is and whose processes are on it, rounded (`idemtui.device_words`)."""


@dataclass(frozen=True)
class Worker:
    """One living worker process; `run_id` is empty while it waits for the next run with its models loaded."""

    pid: int
    run_id: str
    device: str
    model: str
    silent_minutes: int | None = None
    adopted: bool = False


@dataclass(frozen=True)
class Waiting:
    """A queued run and why it does not run yet."""

    run_id: str
    priority: int
    reason: str


@dataclass(frozen=True)
class Interrupted:
    """A run that ended without having been asked to while no server looked."""

    run_id: str
    name: str
    message: str


@dataclass(frozen=True)
class Server:
    """The lab server at one moment."""

    pid: int
    version: str
    slots: int
    devices: tuple[Device, ...] = ()
    workers: tuple[Worker, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    interrupted: tuple[Interrupted, ...] = ()
    free_gigabytes: float | None = None
    reserve_megabytes: int = 0
    disk_low: bool = False
    other_version: str = ""
    """This program's own version, where the server's is another."""

    def wait_of(self, run_id: str) -> Waiting | None:
        """Why a run waits, if it does."""
        return next((waiting for waiting in self.waiting if waiting.run_id == run_id), None)

    def worker_of(self, run_id: str) -> Worker | None:
        """The worker that has a run."""
        return next((worker for worker in self.workers if worker.run_id == run_id), None)


def server_of(answer: Mapping[str, Any], own_version: str) -> Server:
    """The server's answer to `status`; what a server of another version leaves out stays empty."""
    disk = answer.get("disk") or {}
    free = disk.get("free_bytes")
    version = str(answer.get("version", ""))
    patience = (answer.get("settings") or {}).get("silent_seconds", 0)
    return Server(
        pid=int(answer["pid"]),
        version=version,
        slots=int(answer.get("slots", 0)),
        devices=tuple(
            Device(d["device"], d.get("name") or "", d["state"], d.get("reason") or "", coarse(d))
            for d in _records(answer, "devices")
        ),
        workers=tuple(_worker(w, patience) for w in _records(answer, "workers")),
        waiting=tuple(
            Waiting(w["run_id"], w.get("priority") or 0, w.get("reason") or "") for w in _records(answer, "waiting")
        ),
        interrupted=tuple(
            Interrupted(r["run_id"], r.get("name") or r["run_id"], r.get("message") or "")
            for r in _records(answer, "interrupted")
        ),
        free_gigabytes=None if free is None else round(free / 1e9, 2 if free < 1e10 else 0),
        reserve_megabytes=int(disk.get("reserve_bytes") or 0) // MEGABYTE,
        disk_low=bool(disk.get("low")),
        other_version="" if version == own_version else own_version,
    )


def _records(answer: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = answer.get(key)
    return [record for record in found if isinstance(record, dict)] if isinstance(found, list) else []


def _worker(worker: Mapping[str, Any], patience: float) -> Worker:
    seconds = worker.get("silent_seconds")
    silent = None if seconds is None or seconds < patience else int(seconds // 60)
    return Worker(
        worker["pid"],
        worker.get("run_id") or "",
        worker.get("device") or "",
        worker.get("model") or "",
        silent,
        bool(worker.get("adopted")),
    )
