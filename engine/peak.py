"""How much memory a stage took at its peak, so that the next estimate can be held against it; imports no torch."""

from __future__ import annotations

import resource
import sys
from typing import Any, Protocol

KIB = 1024


class Peak(Protocol):
    """Remembers the most memory that was in use."""

    def forget(self) -> None:
        """Begin to look for a peak anew, where that can be: on a GPU, of what torch holds there."""
        ...

    def peak(self) -> int:
        """Bytes at the peak: of the GPU as torch reserved it since `forget`, else of the process since it began."""
        ...


class ThisProcess:
    """A Peak of the process that asks."""

    def forget(self) -> None:
        """See `Peak`."""
        cuda = _cuda()
        if cuda is not None:
            cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        """See `Peak`."""
        cuda = _cuda()
        if cuda is not None:
            return int(cuda.max_memory_reserved())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak) if sys.platform == "darwin" else int(peak) * KIB


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
