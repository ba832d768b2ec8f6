"""Where workers can run: a share of the cores, or a GPU of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Container
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import IdemtuiError
from engine.gpus import VISIBLE
from idemtui.server.device_locks import device_holder
from idemtui.server.devices import DevicesError, Gpu, GpuReader, gpus_of, left_alone, visible
from idemtui.server.figures import Figures
from idemtui.server.slots import asked_slots, cores, share_cores

_HELD = "{what} is held; `idemtui release {name}` gives it back"
FRESH_SECONDS = 1.0
"""How long a look at the GPUs counts as now."""


class Placed(Protocol):
    """What slots need to know of a living worker."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def device(self) -> str:
        """`cpu`, or the UUIDs of its GPUs with commas between them; `cuda` where that is not known."""


@dataclass(frozen=True)
class Look:
    """The GPUs at one moment: what is free for a new worker and why the others are not."""

    gpus: tuple[Gpu, ...]
    reasons: dict[str, str]
    """By UUID, for GPUs that are taken by somebody else."""
    busy: frozenset[str]
    """UUIDs that a worker of this server holds."""


class Places:
    """CPU slots, and one slot per GPU that may be used."""

    def __init__(
        self, asked: int | None, free_share: float, reader: GpuReader, held: Container[str] = frozenset()
    ) -> None:
        """`held`: devices that a person keeps free."""
        self.held = held
        self._asked, self._share, self._reader = asked_slots(asked), free_share, reader
        self._cpu = share_cores(asked)
        self._figures = Figures()
        self._gpus: list[Gpu] = []
        self._read_at = -FRESH_SECONDS
        self.problem: str | None = None
        """Why no GPU is used, where none is."""
        self._device = "cpu"
        self._read()

    @property
    def device(self) -> str:
        """Where runs of this machine go: a GPU as soon as one was seen, also while the driver tells of none."""
        self._read()
        return self._device

    @property
    def count(self) -> int:
        """Workers side by side on the usual device."""
        if self.device == "cpu":
            return self._cpu.count
        usable = sum(gpu.trouble is None for gpu in self._gpus)
        return min(usable, self._asked or usable)

    @property
    def threads(self) -> int:
        """Threads of each of them."""
        return self._cpu.threads if self.device == "cpu" else max(cores() // max(self.count, 1), 1)

    def free(self, workers: Collection[Placed], wanted: Collection[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Devices for new workers and, where there is none, the reason, by kind, for the kinds that are wanted."""
        on_cpu = sum(worker.device == "cpu" for worker in workers)
        free = {"cpu": ["cpu"] * max(self._cpu.count - on_cpu, 0)}
        full = {}
        if "cpu" in self.held:
            free["cpu"], full["cpu"] = [], _HELD.format(what="the CPU", name="cpu")
        if "cuda" in wanted:
            free["cuda"], full["cuda"] = self._free_gpus(workers)
        return free, full

    def _free_gpus(self, workers: Collection[Placed]) -> tuple[list[str], str]:
        look = self.look(workers)
        unused = [gpu.uuid for gpu in look.gpus if gpu.uuid not in look.busy and gpu.uuid not in look.reasons]
        on_gpu = sum(max(len(gpus_of(worker.device)), 1) for worker in workers if worker.device != "cpu")
        room = max((self._asked or len(look.gpus)) - on_gpu, 0)
        if not look.gpus:
            return [], f"waits for a GPU: {self.problem}"
        waits = ["waits for a free slot"] if look.busy or unused or not room else []
        return unused[:room], "; ".join([*waits, *look.reasons.values()])

    def within_reach(self, workers: Collection[Placed]) -> int:
        """GPUs that one worker could hold once every worker of this server has let go of its own."""
        look = self.look(workers)
        return min(sum(gpu.uuid not in look.reasons for gpu in look.gpus), self._asked or len(look.gpus))

    def look(self, workers: Collection[Placed]) -> Look:
        """The GPUs now."""
        self._read()
        busy = {gpu for worker in workers for gpu in gpus_of(worker.device)}
        pids = {worker.pid for worker in workers}
        busy |= {gpu.uuid for gpu in self._gpus if any(process.pid in pids for process in gpu.processes)}
        reasons = {gpu.uuid: self._taken(gpu, pids) for gpu in self._gpus if gpu.uuid not in busy}
        reasons |= {
            gpu.uuid: _HELD.format(what=f"GPU {gpu.index}", name=gpu.index)
            for gpu in self._gpus
            if gpu.uuid in self.held
        }
        taken = {uuid: reason for uuid, reason in reasons.items() if reason is not None}
        return Look(tuple(self._gpus), taken, frozenset(busy))

    def _taken(self, gpu: Gpu, pids: set[int]) -> str | None:
        try:
            holder = device_holder(gpu.uuid)
        except (OSError, IdemtuiError) as error:
            return f"GPU {gpu.index} cannot be locked: {error}"
        if holder is not None and holder.pid not in pids:
            return f"GPU {gpu.index} is taken by {holder}"
        return left_alone(gpu, pids, self._share)

    def _read(self) -> None:
        if time.monotonic() - self._read_at < FRESH_SECONDS:
            return
        try:
            every = self._reader.read()
            self._gpus = visible(every, os.environ.get(VISIBLE))
            self.problem = None if self._gpus else _unseen(every)
            self._device = "cuda" if self._gpus else self._device
        except DevicesError as error:
            self._gpus, self.problem = [], str(error)
        self._read_at = time.monotonic()

    def table(self, workers: Collection[Placed]) -> list[dict[str, Any]]:
        """What `status` shows of the devices: state and reason now, figures as of a few seconds ago."""
        look = self.look(workers)
        if not look.gpus:
            return [self._cpu_row(workers)]
        pids = [worker.pid for worker in workers]
        return [self._row(gpu, look) | self._figures.of_gpu(gpu, pids) for gpu in look.gpus]

    def _cpu_row(self, workers: Collection[Placed]) -> dict[str, Any]:
        pids = [worker.pid for worker in workers if worker.device == "cpu"]
        name = f"{self._cpu.count} workers side by side, {self._cpu.threads} threads each"
        held = "cpu" in self.held
        state = "held" if held else "busy" if len(pids) >= self._cpu.count else "free"
        reason = _HELD.format(what="the CPU", name="cpu") if held else self.problem
        row = {"device": "cpu", "name": name, "state": state, "reason": reason}
        return row | self._figures.of_cpu(pids)

    def _row(self, gpu: Gpu, look: Look) -> dict[str, Any]:
        reason = look.reasons.get(gpu.uuid)
        held = gpu.uuid in self.held
        state = "held" if held else "busy" if gpu.uuid in look.busy else "taken" if reason else "free"
        return {"device": gpu.uuid, "name": f"GPU {gpu.index}: {gpu.name}", "state": state, "reason": reason}


def _unseen(every: list[Gpu]) -> str:
    if not every:
        return "NVML knows no GPU"
    value = os.environ.get(VISIBLE, "")
    part = "parts of a GPU (MIG) are not used, only whole ones; " if value.startswith("MIG-") else ""
    advice = f"; {part}name them by number or UUID, as `nvidia-smi -L` does" if value else ""
    return f"${VISIBLE} = {value!r} shows none of this machine's {len(every)}{advice}"
