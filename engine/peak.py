"""How much memory a stage took at its peak, so that the next estimate can be held against it; imports no torch."""

from __future__ import annotations

import resource
import sys
from typing import Any

KIB = 1024


def forget_peak() -> None:
    """Begin to look for a peak anew, where that can be: on a GPU, of what torch holds there."""
    cuda = _cuda()
    if cuda is not None:
        cuda.reset_peak_memory_stats()


def peak_memory() -> int:
    """Bytes at the peak: of the GPU as torch reserved it since `forget_peak`, else of this process since it began."""
    cuda = _cuda()
    if cuda is not None:
        return int(cuda.max_memory_reserved())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * KIB


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
