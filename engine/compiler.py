"""What a GPU's kernels are compiled with: TRL's output layer and vLLM's adapters are Triton's, which needs a C compiler
and Python's headers when it first runs. Imports no torch.
"""

from __future__ import annotations

import os
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from engine.errors import ModelError

ADVICE = "install both (build-essential and python3-dev on Debian and Ubuntu), or name a compiler in CC"


def compiler_trouble() -> str | None:
    """Why Triton could not compile here, as its own `triton/runtime/build.py` looks for things; None where it can, or
    is not installed and nothing asks it.
    """
    if find_spec("triton") is None:
        return None
    named = os.environ.get("CC")
    if named is not None and which(named) is None:
        return f"the C compiler that CC names, {named!r}, is not there"
    if named is None and which("gcc") is None and which("clang") is None:
        return "there is no C compiler (gcc or clang)"
    scheme = sysconfig.get_default_scheme()
    headers = Path(sysconfig.get_path("include", "posix_prefix" if scheme == "posix_local" else scheme))
    return None if (headers / "Python.h").is_file() else f"Python's headers are not there ({headers / 'Python.h'})"


def check_compiler(device: str) -> None:
    """Raise ModelError where a training on this device would want a compiler and there is none."""
    trouble = compiler_trouble() if device.startswith("cuda") else None
    if trouble is not None:
        raise ModelError(f"training on a GPU compiles kernels with Triton, and {trouble}; {ADVICE}.")
