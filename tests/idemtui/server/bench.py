"""A queue without processes: real desks and files, workers the test plays, GPUs, clock and disk as it sets them."""

from __future__ import annotations

import dataclasses
import itertools
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.assignments import open_desk
from engine.commands import Command, read_commands
from engine.events import Event, RunCancelled, RunFailed, RunFinished, RunPaused
from idemtui.server.asking import Asking
from idemtui.server.devices import DevicesError, Gpu
from idemtui.server.disk import Disk
from idemtui.server.exits import Exit
from idemtui.server.floor import Floor
from idemtui.server.given import Secrets
from idemtui.server.holds import Holds
from idemtui.server.model_keys import ModelKey
from idemtui.server.places import Places
from idemtui.server.queue import Queue
from idemtui.server.silence import Silence
from idemtui.server.workers import DeskWorker, write_note
from store.lab import Lab
from tests.store.journals import Chain, append_events, chain_spec

PIDS = itertools.count(5_000_001)
"""Beyond what Linux gives to processes."""
FINISHED: tuple[Event, ...] = (RunFinished(cycles_done=6),)
FAILED: tuple[Event, ...] = (RunFailed(error="GuardError", message="nothing moved"),)
PAUSED: tuple[Event, ...] = (RunPaused(cause="asked", message="asked to"),)
CANCELLED: tuple[Event, ...] = (RunCancelled(reason="asked to"),)
NO_ROOM: tuple[Event, ...] = (RunPaused(cause="disk", message="0 MB free"),)


@dataclass
class FakeProcess:
    """Lives until the test says otherwise, or SIGTERM comes while it is obedient."""

    pid: int = field(default_factory=lambda: next(PIDS))
    end: Exit | None = None
    obedient: bool = True
    signals: list[signal.Signals] = field(default_factory=list)

    def exited(self) -> Exit | None:
        return self.end

    def send(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if self.obedient and self.end is None:
            self.end = Exit(143 if number == signal.SIGTERM else -int(number))

    def state(self) -> str:
        return "disk sleep"


@dataclass
class FakeLauncher:
    """Opens real desks for workers that the test plays."""

    folder: Path
    broken: OSError | None = None
    started: list[DeskWorker] = field(default_factory=list)
    secrets: list[dict[str, str]] = field(default_factory=list)

    def start(self, key: ModelKey, device: str, secrets: Mapping[str, str]) -> DeskWorker:
        if self.broken is not None:
            raise self.broken
        desk = open_desk(self.folder / f"desk{len(list(self.folder.glob('*')))}-{len(self.started)}")
        process = FakeProcess()
        write_note(desk, process.pid, key, device)
        self.secrets.append(dict(secrets))
        self.started.append(DeskWorker(desk, process, key, device))
        return self.started[-1]


@dataclass
class FakeGpus:
    """What NVML would say; nothing: no driver."""

    gpus: list[Gpu] = field(default_factory=list)

    def read(self) -> list[Gpu]:
        if not self.gpus:
            raise DevicesError("no GPU can be seen: there is no driver")
        return self.gpus


class Bench:
    """One server's queue on a lab; make another on the same lab for the next server."""

    def __init__(self, lab: Lab, slots: int = 2, gpus: FakeGpus | None = None, silent_seconds: float = 60.0) -> None:
        self.lab, self.now, self.free_bytes = lab, 1000.0, 10_000_000_000
        self.launcher = FakeLauncher(lab.root / "workers")
        self.launcher.folder.mkdir(exist_ok=True)
        self.secrets = Secrets()
        self.floor = Floor(lab)
        self.holds = Holds(lab)
        places = Places(slots, 0.9, gpus or FakeGpus(), self.holds)
        silence = Silence(silent_seconds, clock=lambda: self.now)
        self.queue = Queue(self.floor, self.launcher, places, self.secrets, silence, self.disk)
        self.asking = Asking(self.floor)
        self.queue.adopt()

    def disk(self) -> Disk:
        return Disk(self.free_bytes, 256_000_000)

    def ask(self, *run_ids: str, priority: int = 0) -> list[str]:
        answers = [self.asking.enqueue(run_id, priority) for run_id in run_ids]
        self.queue.tick()
        return answers

    def tick(self) -> None:
        self.queue.tick()

    @property
    def running(self) -> list[str]:
        return list(self.queue.state().running)

    @property
    def waiting(self) -> list[str]:
        return [run["run_id"] for run in self.queue.state().waiting]

    @property
    def workers(self) -> list[DeskWorker]:
        """The living ones."""
        return [worker for worker in self.floor.workers if isinstance(worker, DeskWorker)]

    def reason(self, run_id: str) -> str:
        return next(run["reason"] for run in self.queue.state().waiting if run["run_id"] == run_id)

    def worker(self, run_id: str) -> DeskWorker:
        return next(worker for worker in self.workers if worker.run == self.lab.run(run_id))

    def let_go(self, run_id: str, events: Sequence[Event] = FINISHED, code: int = 0) -> None:
        """The run's worker ends it and stays."""
        append_events(self.lab.run(run_id), events, at=datetime.now(UTC))
        self.worker(run_id).desk.finish(self.lab.run(run_id), code)
        self.tick()

    def die(self, run_id: str, code: int | None) -> None:
        """The run's worker process ends."""
        process = self.worker(run_id).process
        assert isinstance(process, FakeProcess)
        process.end = Exit(code)
        self.tick()


def new_run(
    lab: Lab,
    name: str,
    model: str = "pocket/instruct",
    device: str = "cpu",
    secrets: tuple[str, ...] = (),
    fork_of: str | None = None,
    at: int | None = None,
    cycles: int = 6,
    gpus: int = 1,
) -> str:
    """A run folder with a frozen spec and nothing else."""
    spec = chain_spec(Chain(name, seed=sum(map(ord, name)), status="queued"))
    run = spec.run.model_copy(update={"model": model, "cycles": cycles})
    execution = spec.execution.model_copy(update={"device": device, "secrets": secrets, "gpus": gpus})
    changes = {"run": run, "execution": execution, "parent_run_id": fork_of, "forked_at_cycle": at}
    spec = spec.model_copy(update=changes)
    folder = lab.run(spec.run_id)
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json())
    return spec.run_id


def commands(lab: Lab, run_id: str) -> list[Command]:
    return list(read_commands(lab.run(run_id)))


def types(lab: Lab, run_id: str) -> list[str]:
    return [command.type for command in commands(lab, run_id)]


def gpu(index: int, used: int = 0, **fields: object) -> Gpu:
    """A GPU of 80 GB."""
    plain = Gpu(f"GPU-{index:08d}-aaaa", index, "H200", 80_000_000_000, used)
    return dataclasses.replace(plain, **fields)  # type: ignore[arg-type]
