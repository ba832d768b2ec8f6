"""GPUs that a worker holds beside its own, for vLLM alone: named by the lab server, shown to vLLM's process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from engine.errors import ModelError
from engine.memory import Room

VARIABLE = "IDEMTUI_VLLM_GPUS"
"""UUIDs with commas between them. The worker's own CUDA_VISIBLE_DEVICES shows its first GPU alone: libraries that train
spread over every GPU they see."""


def gpus_apart() -> list[str]:
    """Their UUIDs; none where vLLM shares the worker's own GPU."""
    return [uuid for uuid in os.environ.get(VARIABLE, "").split(",") if uuid]


def shown(apart: Sequence[str]) -> Mapping[str, str]:
    """What vLLM's process is shown of the machine's GPUs."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(apart)} if apart else {}


def rooms_apart(apart: Sequence[str]) -> list[Room]:
    """Their memory, by NVML: torch in this process does not see them. ModelError where the driver does not tell."""
    import pynvml

    try:
        pynvml.nvmlInit()
        found = [pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(uuid)) for uuid in apart]
    except pynvml.NVMLError as error:
        raise ModelError(f"the GPUs {', '.join(apart)} cannot be looked at: NVML says {str(error)!r}") from None
    return [Room(total=int(memory.total), free=int(memory.total - memory.used), host_free=0) for memory in found]
