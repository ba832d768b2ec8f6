"""One lock per GPU for all labs of one user: a worker holds it for life, and every server looks at it first."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.errors import LabError
from engine.locks import holder_pid


def lock_folder() -> Path:
    """$XDG_RUNTIME_DIR/idemtui, else a folder in the temporary one; LabError where it is somebody else's."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK):
        folder = Path(runtime) / "idemtui"
    else:
        folder = Path(tempfile.gettempdir()) / f"idemtui-{os.getuid()}-devices"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LabError(f"{folder} belongs to somebody else; remove it, or set $XDG_RUNTIME_DIR to a folder of yours.")
    folder.chmod(0o700)
    return folder


def lock_path(uuid: str) -> Path:
    """The lock of one GPU."""
    return lock_folder() / f"{re.sub(r'[^A-Za-z0-9-]', '_', uuid)}.lock"


@dataclass(frozen=True)
class Holder:
    """The worker that holds a GPU, and its lab where that can be told."""

    pid: int
    lab: str | None

    def __str__(self) -> str:
        return f"process {self.pid}" + (f" of the lab {self.lab}" if self.lab else "")


def device_holder(uuid: str) -> Holder | None:
    """Who holds a GPU now."""
    pid = holder_pid(lock_path(uuid))
    return None if pid is None else Holder(pid, _lab_of(pid))


def _lab_of(pid: int) -> str | None:
    try:
        words = psutil.Process(pid).cmdline()
        desk = Path(words[words.index("--desk") + 1])
    except (psutil.Error, ValueError, IndexError):
        return None
    return str(desk.parent.parent)
