"""The GPUs that a worker holds, as the lab server named them: who gets which of them, and how much memory they have.

The first is the one that the worker sees. Its CUDA_VISIBLE_DEVICES shows that one alone: libraries that train spread
over every GPU they see. Its model takes as many as it has shards, from the first on; the others are vLLM's alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.errors import ModelError
from engine.memory import Room

VISIBLE = "CUDA_VISIBLE_DEVICES"
MORE = "IDEMTUI_MORE_GPUS"
"""UUIDs, with commas between them, of those that the worker holds beside its first."""


def see_one_gpu() -> None:
    """Show this process the first of its GPUs alone, where it was started beside a lab server and sees several.

    A library that trains would take all of them, and as many times the rows in one step. Before CUDA is asked anything.
    """
    first = os.environ.get(VISIBLE, "0").split(",")[0]
    os.environ[VISIBLE] = first


def held_gpus() -> list[str]:
    """UUIDs of all of them; none where nobody named them, or the worker is shown several."""
    first = os.environ.get(VISIBLE, "")
    if not first or "," in first:
        return []
    return [first, *(uuid for uuid in os.environ.get(MORE, "").split(",") if uuid)]


def model_gpus(shards: int) -> list[str]:
    """Those of a model in several shards, one each. ModelError where the worker holds fewer."""
    held = held_gpus()
    if len(held) < shards:
        raise ModelError(
            f"execution.shards = {shards}, but this worker holds {len(held) or 'no named'} GPU"
            f"{'' if len(held) == 1 else 's'}; set execution.gpus to {shards} or more, and queue the run at a lab "
            "server, which names them."
        )
    return held[:shards]


def gpus_apart(shards: int) -> list[str]:
    """Those that are vLLM's alone; none where it shares the model's."""
    return held_gpus()[shards:]


def shown(gpus: Sequence[str]) -> dict[str, str]:
    """What a process that may use these alone has in its environment; nothing of its own where there are none."""
    return {VISIBLE: ",".join(gpus)} if gpus else {}


def rooms_of(gpus: Sequence[str]) -> list[Room]:
    """Their memory, by NVML: torch in this process does not see them. ModelError where the driver does not tell."""
    import psutil
    import pynvml

    host = int(psutil.virtual_memory().available)
    try:
        pynvml.nvmlInit()
        found = [pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(uuid)) for uuid in gpus]
    except pynvml.NVMLError as error:
        raise ModelError(f"the GPUs {', '.join(gpus)} cannot be looked at: NVML says {str(error)!r}") from None
    return [Room(total=int(memory.total), free=int(memory.total - memory.used), host_free=host) for memory in found]
