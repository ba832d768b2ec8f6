"""Gives a process the pretended GPU of IDEMTUI_PRETENDED_GPU as soon as it imports torch.

Python runs this file at its start where the folder is on PYTHONPATH.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.machinery
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

LIBRARY = "IDEMTUI_PRETENDED_GPU"
"""The compiled `device.cpp`."""


class _Finder(importlib.abc.MetaPathFinder):
    """Finds torch as it would be found, with the device registered before and torch.cuda's questions answered after."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name != "torch" or not os.environ.get("CUDA_VISIBLE_DEVICES", "all"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module
        library = ctypes.CDLL(os.environ[LIBRARY])

        def exec_module(module: ModuleType) -> None:
            load(module)
            answer(module, library)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def answer(torch: Any, library: Any) -> None:
    """Answer what is asked of `torch.cuda`, which a torch for CPUs cannot."""
    held, peak, free, total = (getattr(library, f"pretended_{name}") for name in ("allocated", "peak", "free", "total"))
    for count in (held, peak, free, total):
        count.restype = ctypes.c_size_t
    answers = {
        "_lazy_init": lambda: None,
        "_initialized": True,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda device: None,
        "_exchange_device": lambda device: 0,
        "_maybe_exchange_device": lambda device: 0,
        "get_device_name": lambda device=None: "Pretended GPU",
        "get_device_capability": lambda device=None: (9, 0),
        "get_device_properties": lambda device=None: SimpleNamespace(
            name="Pretended GPU", major=9, minor=0, total_memory=total()
        ),
        "mem_get_info": lambda device=None: (free(), total()),
        "memory_allocated": lambda device=None: held(),
        "memory_reserved": lambda device=None: held(),
        "max_memory_allocated": lambda device=None: peak(),
        "max_memory_reserved": lambda device=None: peak(),
        "reset_peak_memory_stats": lambda device=None: library.pretended_forget_peak(),
        "empty_cache": lambda: None,
        "synchronize": lambda device=None: None,
        "default_generators": (torch.default_generator,),
    }
    for name, value in answers.items():
        setattr(torch.cuda, name, value)
        if hasattr(torch.cuda.random, name):
            setattr(torch.cuda.random, name, value)
    torch.version.cuda = "13.0"
    import pretended_nccl

    pretended_nccl.install()


if LIBRARY in os.environ:
    sys.meta_path.insert(0, _Finder())
