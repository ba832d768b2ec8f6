"""The GPUs of this machine as NVML tells them, and which of them this server may use.

An inherited CUDA_VISIBLE_DEVICES is respected: indices as `nvidia-smi` counts them, UUIDs or their beginnings; like in
CUDA, the first entry that names nothing ends the list, and an empty value hides every GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class DevicesError(Exception):
    """No GPU can be seen, and why, in one line."""


@dataclass(frozen=True)
class GpuProcess:
    """A process on a GPU; its bytes are unknown where the driver does not tell (in containers, for other users)."""

    pid: int
    used: int | None


@dataclass(frozen=True)
class Gpu:
    """One GPU now: memory in bytes, percent, watts, degrees Celsius; None where its driver does not tell."""

    uuid: str
    index: int
    name: str
    total: int
    used: int
    processes: tuple[GpuProcess, ...] = ()
    utilization: float | None = None
    power: float | None = None
    temperature: float | None = None
    trouble: str | None = None
    """Why nothing runs on it whatever is free: the driver lost it."""


@dataclass(frozen=True)
class Driver:
    """The driver's version, and the newest CUDA that it can run (`13.0`)."""

    version: str
    cuda: str


class GpuReader(Protocol):
    """Reads the GPUs."""

    def read(self) -> list[Gpu]:
        """Every GPU that the driver knows, in its order; raise DevicesError where none can be read."""


class NvmlReader:
    """Through nvidia-ml-py, loaded at the first question."""

    def __init__(self) -> None:
        self._nvml: Any = None

    def driver(self) -> Driver:
        """The driver; DevicesError as `read`."""
        return self._asked(_driver)

    def read(self) -> list[Gpu]:
        """Every GPU that the driver knows, lost ones with their trouble; DevicesError where NVML tells of none."""
        return self._asked(_gpus)

    def _asked(self, ask: Callable[[Any], T]) -> T:
        try:
            import pynvml
        except ImportError as error:
            raise DevicesError(f"no GPU can be seen: {error}") from None
        try:
            if self._nvml is None:
                pynvml.nvmlInit()
                self._nvml = pynvml
            return ask(pynvml)
        except pynvml.NVMLError as error:
            self._nvml = None
            raise DevicesError(f"no GPU can be seen: NVML says {str(error)!r}") from None


def _driver(nvml: Any) -> Driver:
    cuda = int(nvml.nvmlSystemGetCudaDriverVersion())
    return Driver(_text(nvml.nvmlSystemGetDriverVersion()), f"{cuda // 1000}.{cuda % 1000 // 10}")


def _gpus(nvml: Any) -> list[Gpu]:
    """All of them; one that fell off its bus takes no other with it."""
    found, lost = [], None
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            found.append(_gpu(nvml, index))
        except nvml.NVMLError as error:
            lost = error
            trouble = f"NVML says {str(error)!r} of it"
            found.append(Gpu(f"lost-{index}", index, "cannot be read", 0, 0, trouble=trouble))
    if lost is not None and all(gpu.trouble for gpu in found):
        raise lost
    return found


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)

    def told(ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except nvml.NVMLError:
            return None

    running = told(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or ()
    return Gpu(
        uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
        index=index,
        name=_text(nvml.nvmlDeviceGetName(handle)),
        total=int(memory.total),
        used=int(memory.used),
        processes=tuple(GpuProcess(int(p.pid), p.usedGpuMemory) for p in running),
        utilization=told(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
        power=told(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
        temperature=told(lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def gpus_of(device: str) -> list[str]:
    """The GPUs of a worker whose device this is: UUIDs with commas between them; none of `cpu` or an unknown one."""
    return [] if device in ("cpu", "cuda") else device.split(",")


def visible(gpus: Sequence[Gpu], variable: str | None) -> list[Gpu]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES shows, in its order; all of them where it is unset (None)."""
    if variable is None:
        return list(gpus)
    shown: list[Gpu] = []
    for entry in (part.strip() for part in variable.split(",")):
        found = [gpu for gpu in gpus if _names(entry, gpu)]
        if len(found) != 1 or found[0] in shown:
            return shown
        shown += found
    return shown


def _names(entry: str, gpu: Gpu) -> bool:
    return entry == str(gpu.index) or (entry.startswith("GPU-") and gpu.uuid.startswith(entry))


def left_alone(gpu: Gpu, ours: set[int], free_share: float) -> str | None:
    """Why a GPU is not used: lost, or filled by others than `ours` to more than (1 − free_share); else None."""
    if gpu.trouble:
        return f"GPU {gpu.index} cannot be used: {gpu.trouble}"
    others = [process for process in gpu.processes if process.pid not in ours]
    used_by_us = sum(process.used or 0 for process in gpu.processes if process.pid in ours)
    used = max(gpu.used - used_by_us, 0)
    if used <= (1 - free_share) * gpu.total:
        return None
    largest = max(others, key=lambda process: process.used or 0, default=None)
    by = "another process" if largest is None else f"process {largest.pid}{_program(largest.pid)}"
    return f"GPU {gpu.index} is left alone: {used / 1e9:.0f} GB of {gpu.total / 1e9:.0f} GB in use by {by}"


def _program(pid: int) -> str:
    import psutil

    try:
        return f" ({psutil.Process(pid).name()})"
    except psutil.Error:
        return ""
