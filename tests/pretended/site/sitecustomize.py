"""Gives a process the pretended GPU of IDEMTUI_PRETENDED_GPU as soon as it imports torch.

Python runs this file at its start where the folder is on PYTHONPATH. vLLM's own process has no such GPU: its CPU build,
where that is installed, computes there what it is asked to compute on one.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

LIBRARY = "IDEMTUI_PRETENDED_GPU"
"""The compiled `device.cpp`."""


class Finder(importlib.abc.MetaPathFinder):
    """Finds one module as it would be found, and has it changed once it is loaded."""

    def __init__(self, name: str, change: Callable[[Any], None], prepare: Callable[[], object] = lambda: None) -> None:
        self._name, self._change, self._prepare = name, change, prepare

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module
        self._prepare()

        def exec_module(module: ModuleType) -> None:
            load(module)
            self._change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def load_device() -> Any:
    """The device; it has to be there before torch looks for one."""
    return ctypes.CDLL(os.environ[LIBRARY])


def answer(torch: Any) -> None:
    """Answer what is asked of `torch.cuda`, which a torch for CPUs cannot."""
    library = load_device()
    held, peak, free, total = (getattr(library, f"pretended_{name}") for name in ("allocated", "peak", "free", "total"))
    for count in (held, peak, free, total):
        count.restype = ctypes.c_size_t
    library.pretended_broken.restype = ctypes.c_bool

    def wait(device: Any = None) -> None:
        if library.pretended_broken():
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")

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
        "empty_cache": wait,
        "synchronize": wait,
        "default_generators": (torch.default_generator,),
    }
    for name, value in answers.items():
        setattr(torch.cuda, name, value)
        if hasattr(torch.cuda.random, name):
            setattr(torch.cuda.random, name, value)
    torch.version.cuda = "13.0"
    import pretended_nccl

    pretended_nccl.install()


def fold_without_triton(head: Any) -> None:
    """Let TRL's output layer take torch's own operators: Triton has no kernels for this device."""
    head._TRITON_AVAILABLE = False


def serve_on_cpu(arguments: Any) -> None:
    """Let vLLM's CPU build be started as for a CPU, in the dtype that a GPU would have."""
    import msgspec

    for name in ("environment", "arguments", "can_sleep"):
        told = getattr(arguments, name)
        here = lambda settings, *more, told=told: told(msgspec.structs.replace(settings, device="cpu"), *more)  # noqa: E731
        setattr(arguments, name, here)


if LIBRARY in os.environ:
    if {"engine.vllm.main", "tests.gpu.bare_vllm"} & {*sys.orig_argv}:
        del os.environ[LIBRARY]  # nor have the processes that it starts
        os.environ.update(VLLM_CPU_OMP_THREADS_BIND="nobind", VLLM_CPU_KVCACHE_SPACE="1")
        if "engine.vllm.main" in sys.orig_argv:
            os.environ["TORCHDYNAMO_DISABLE"] = "1"
            sys.meta_path.insert(0, Finder("engine.vllm.arguments", serve_on_cpu))
    elif os.environ.get("CUDA_VISIBLE_DEVICES", "all"):
        sys.meta_path[:0] = [
            Finder("torch", answer, load_device),
            Finder("trl.kernels.chunked_logprob", fold_without_triton),
        ]
