"""Where things are in a lab folder; nothing here opens a database or a socket."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LabError

SOCKET_LIMIT = 100
JOB = "j"
"""How every job id begins, and no run id."""


def is_job(work_id: str) -> bool:
    """Whether an id names a job, not a run."""
    return work_id.startswith(JOB)


@dataclass(frozen=True)
class Lab:
    """Paths of one lab folder, absolute."""

    root: Path

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.root / "lab.duckdb"

    @property
    def socket(self) -> Path:
        """The server's socket; a short path elsewhere where this one would exceed the system's limit."""
        path = self.root / "lab.sock"
        if len(os.fsencode(path)) <= SOCKET_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"idemtui-{os.getuid()}-{digest}" / "lab.sock"

    @property
    def lock(self) -> Path:
        """Held by the lab server while it lives."""
        return self.root / "server.lock"

    @property
    def log(self) -> Path:
        """What the lab server prints."""
        return self.root / "server.log"

    @property
    def notes(self) -> Path:
        """People's labels, marks and remarks."""
        return self.root / "notes.jsonl"

    @property
    def telemetry(self) -> Path:
        """What devices did while runs used them."""
        return self.root / "telemetry.jsonl"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.root / "runs"

    @property
    def jobs(self) -> Path:
        """One folder per job: work that is no run."""
        return self.root / "jobs"

    def run(self, run_id: str) -> Path:
        """The folder of one run."""
        return self.runs / run_id

    def work(self, work_id: str) -> Path:
        """The folder of one run or job, by its id."""
        return (self.jobs if is_job(work_id) else self.runs) / work_id


def find_lab(path: str | os.PathLike[str] | None = None) -> Lab:
    """The lab at `path`, else $IDEMTUI_LAB, else ./lab; it need not exist yet."""
    return Lab(Path(path or os.environ.get("IDEMTUI_LAB") or "lab").expanduser().absolute())


def create_lab(lab: Lab) -> Lab:
    """Make the folder (0700) where it is missing; raise LabError where that is not allowed."""
    try:
        lab.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lab.runs.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"lab folder {lab.root}: {error.strerror}; choose another with --lab PATH or $IDEMTUI_LAB."
        ) from None
    if not os.access(lab.root, os.W_OK | os.X_OK):
        raise LabError(f"lab folder {lab.root}: no write permission; choose another with --lab PATH or $IDEMTUI_LAB.")
    return lab
