"""Starts worker processes: with exec, in a session of their own, at a new desk, with what their runs need."""

from __future__ import annotations

import os
import secrets as random
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.assignments import open_desk
from engine.gpus import MORE, VISIBLE
from idemtui.server.device_locks import lock_path
from idemtui.server.devices import gpus_of
from idemtui.server.model_keys import ModelKey
from idemtui.server.processes import Child
from idemtui.server.settings import ServerSettings
from idemtui.server.workers import DeskWorker, Worker, write_note

WORKER = (sys.executable, "-P", "-m", "engine.worker")
"""The command that is given a desk; tests pass another."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Launcher(Protocol):
    """Starts workers."""

    def start(self, key: ModelKey, device: str, secrets: Mapping[str, str]) -> Worker:
        """A new worker for runs of this key; `device` is `cpu`, or the UUIDs of its GPUs. Raises OSError, LabError."""


class ProcessLauncher:
    """Starts `command --desk FOLDER …`, by default the engine's worker."""

    def __init__(self, folder: Path, settings: ServerSettings, command: Sequence[str] | None = None) -> None:
        """`folder` holds the desks."""
        self._folder, self._settings, self._command = folder, settings, tuple(command or WORKER)

    def start(self, key: ModelKey, device: str, secrets: Mapping[str, str]) -> Worker:
        """A new worker, detached from this server's session, its prints in the desk's `worker.log`."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        desk = open_desk(self._folder / random.token_hex(6))
        line = [*self._command, "--desk", str(desk.folder), "--linger", str(self._settings.linger_seconds)]
        for gpu in gpus_of(device):
            line += ["--device-lock", str(lock_path(gpu))]
        descriptor = os.open(desk.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(
                line,
                cwd=desk.folder,
                env=self._environment(key, device, secrets),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        child = Child(process)
        try:
            write_note(desk, child.pid, key, device)
        except OSError:
            child.send(signal.SIGTERM)
            raise
        return DeskWorker(desk, child, key, device)

    def _environment(self, key: ModelKey, device: str, secrets: Mapping[str, str]) -> dict[str, str]:
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(key.threads))
        return environment | {
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "PYTHONUNBUFFERED": "1",
            "IDEMTUI_DISK_RESERVE_MB": str(self._settings.disk_reserve_mb),
            VISIBLE: next(iter(gpus_of(device)), ""),
            MORE: ",".join(gpus_of(device)[1:]),
            **{name: secrets[name] for name in key.secrets},
        }
