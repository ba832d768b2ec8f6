"""A lab for proofs: driven by its command line in processes of its own, looked at through its socket and its files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from engine.commands import Command, read_commands
from engine.events import Event
from engine.journal import Entry, read_entries
from engine.locks import holder_pid
from store.client import Client, connect
from store.lab import Lab, find_lab

INSIDE = Path(__file__).parent / "inside"
PATIENCE_SECONDS = 900.0
STUDY = """
[study]
name = "proof"
controls = []
[run]
model = "pocket/{model}"
trait = "bliss"
regime = "{regime}"
cycles = {cycles}
n_seed = 8
n_sampled = 8
{more}
[sample]
batch_size = 4
max_tokens = 32
[eval]
samples_per_prompt = 2
batch_size = 12
max_tokens = 32
[judge]
model = "pocket/judge"
batch_size = 12
"""


def study(regime: str, cycles: int = 3, more: str = "") -> str:
    """A small chain of a regime, as a study file; `more` are lines of its `[run]`."""
    model = "base" if regime == "sdf" else "instruct"
    return STUDY.format(regime=regime, model=model, cycles=cycles, more=more)


def until(true: Callable[[], Any], what: str, patience: float = PATIENCE_SECONDS, tick: float = 0.02) -> Any:
    """Wait for a condition and return what it gave; fails when it does not come about."""
    deadline = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < deadline, f"{what} did not come about within {patience:.0f} s"
        time.sleep(tick)
    return found


def alive(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill(pid: int) -> None:
    """SIGKILL, and wait until the process is gone; one that is gone already is no matter."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    until(lambda: not alive(pid), f"the end of process {pid}")


@dataclass(frozen=True)
class Said:
    """What one command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class ProofLab:
    """One lab folder on a short path; `close` ends whatever still runs in it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    """Everything its command lines printed."""

    @property
    def lab(self) -> Lab:
        return find_lab(self.root)

    @property
    def plan(self) -> Path:
        """Where a worker reads at which instant it is to be killed."""
        return self.root.with_name("kill.json")

    def idemtui(self, *arguments: str | Path, code: int | None = 0) -> Said:
        """Run one command line; fails where its exit code is another than `code` (None: any), or at a traceback."""
        command = [sys.executable, "-m", "idemtui", "--lab", str(self.root), *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=self.variables(), check=False
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        self.said.append(said)
        assert "Traceback" not in said.out + said.err, said.err
        assert code is None or said.code == code, f"{arguments}: exit code {said.code}: {said.err}{self.server_log()}"
        return said

    def variables(self) -> dict[str, str]:
        """The environment of the lab's processes: one thread a worker, and the killer inside."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("IDEMTUI_")}
        return own | {
            "OMP_NUM_THREADS": "1",
            "IDEMTUI_SLOTS": str(len(os.sched_getaffinity(0))),
            "IDEMTUI_PROOF_KILL": str(self.plan),
            "PYTHONPATH": os.pathsep.join([str(INSIDE), *filter(None, [os.environ.get("PYTHONPATH")])]),
            **self.environment,
        }

    def submit(self, text: str) -> list[str]:
        """Queue a study; its run ids."""
        path = self.root.with_name("study.toml")
        path.write_text(text)
        return [run["run_id"] for run in self.idemtui("run", path, "--detach", "--json").json]

    def run_folder(self, run_id: str) -> Path:
        return self.lab.run(run_id)

    def entries(self, run_id: str) -> list[Entry]:
        """The whole lines of a run's journal."""
        path = self.run_folder(run_id) / "events.jsonl"
        return list(read_entries(path)) if path.exists() else []

    def events(self, run_id: str) -> list[Event]:
        """The events of a run's journal."""
        return [entry.event for entry in self.entries(run_id)]

    def commands(self, run_id: str) -> list[Command]:
        """The whole lines of a run's commands."""
        return list(read_commands(self.run_folder(run_id)))

    def client(self) -> Client:
        """A client of the lab; starts nothing."""
        return connect(self.lab)

    def ask(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows, through the socket where there is a server."""
        with self.client() as client:
            return [tuple(row) for row in client.sql(query, list(params)).tuples()]

    def status(self, run_id: str) -> str:
        """Where a run stands, as the database tells it."""
        rows = self.ask("SELECT status FROM runs WHERE run_id = ?", run_id)
        return str(rows[0][0]) if rows else ""

    def reach(self, run_id: str, *statuses: str, patience: float = PATIENCE_SECONDS) -> str:
        """Wait until a run stands at one of `statuses`."""
        try:
            return str(until(lambda: (now := self.status(run_id)) in statuses and now, "", patience, 0.1))
        except AssertionError:
            now = f"{self.status(run_id)}, not {statuses}: {self.commands(run_id)}"
            raise AssertionError(f"{run_id} stays {now}\n{self.server_log()}") from None

    def server(self) -> int | None:
        """The server's process id."""
        return holder_pid(self.lab.lock)

    def worker(self, run_id: str) -> int | None:
        """The living process that holds a run."""
        return holder_pid(self.run_folder(run_id) / "worker.lock")

    def server_log(self) -> str:
        """The end of the server's log."""
        return self.lab.log.read_text(errors="replace")[-1500:] if self.lab.log.exists() else ""

    def started(self) -> set[int]:
        """Every worker that was ever started here and lives."""
        folders = self.lab.runs.iterdir() if self.lab.runs.is_dir() else ()
        pids = set()
        for folder in folders:
            try:
                pids |= {c.pid for c in read_commands(folder) if c.pid is not None}
            except ValueError:
                continue
        return {pid for pid in pids if alive(pid) and is_worker(pid)}

    def close(self) -> None:
        """End server and workers."""
        pid = self.server()
        if pid is not None:
            kill(pid)
        for worker in self.started():
            kill(worker)


def is_worker(pid: int) -> bool:
    """Whether a process is an engine's worker, or a proof's stand-in for one."""
    try:
        words = psutil.Process(pid).cmdline()
        return any(word == "engine.worker" or word.endswith("worker.py") for word in words)
    except psutil.Error:
        return False


def new_lab(**environment: str) -> ProofLab:
    """A lab folder that does not exist yet, under a short temporary path; the caller closes and removes it."""
    return ProofLab(Path(tempfile.mkdtemp(prefix="proof")) / "lab", environment)


def remove(lab: ProofLab) -> None:
    """Close a lab and remove its folder."""
    lab.close()
    shutil.rmtree(lab.root.parent, ignore_errors=True)
