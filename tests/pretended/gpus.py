"""GPUs that are pretended: processes given them find a driver, and a device "cuda" that computes on the CPU.

What is real: torch's dispatch to another device with its refusal of mixed ones, bfloat16, autograd's device thread,
torch.OutOfMemoryError at a device's end, FSDP2, nvidia-ml-py. What is not: kernels, streams, Triton, NCCL (gloo carries
copies), vLLM, any speed.

A folder stands for the machine's GPUs, one folder in it for each, named by its UUID:

    total         bytes that it has
    others        bytes that somebody else holds now
    processes/    a file for each process that holds memory, named by its pid: bytes, eight of them, binary
    broken        where it is there, every process that computes there fails, for good

A folder that goes is a GPU that the driver lost. A file beside that folder, named `.fails` after it, holds the error
that the driver's library answers with in the place of how many GPUs there are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

HERE = Path(__file__).parent
GB = 1_000_000_000
DRIVER = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Gpus:
    """The GPUs of a pretended machine, and the libraries through which they are found."""

    folder: Path
    libraries: Path
    """Where the driver's library lies, and the device's where it was built."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to have them."""
        paths = [str(HERE / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
        device = self.libraries / "device.so"
        return {
            "LD_LIBRARY_PATH": str(self.libraries),
            "IDEMTUI_PRETENDED_GPUS": str(self.folder),
            "OMP_NUM_THREADS": "1",
        } | ({"IDEMTUI_PRETENDED_GPU": str(device), "PYTHONPATH": os.pathsep.join(paths)} if device.exists() else {})

    @classmethod
    def of(cls, folder: Path, libraries: Path, totals: Sequence[int]) -> Gpus:
        """A new machine with GPUs of these sizes."""
        folder.mkdir()
        gpus = cls(folder, libraries)
        for total in totals:
            gpus.add(total)
        return gpus

    @property
    def uuids(self) -> list[str]:
        """Theirs, in the driver's order."""
        return sorted(path.name for path in self.folder.iterdir())

    def add(self, total: int) -> str:
        """One more; its UUID, which no other has: whoever computes on a GPU locks it on the whole machine."""
        uuid = f"GPU-{len(list(self.folder.iterdir())):08d}{str(uuid4())[8:]}"
        (self.folder / uuid / "processes").mkdir(parents=True)
        (self.folder / uuid / "total").write_text(str(total))
        self.others_hold(uuid, 0)
        return uuid

    def fail(self, code: int) -> None:
        """Let the driver answer with this error (NVML_ERROR_…) from now on; 0 for none."""
        self.folder.with_suffix(".fails").write_text(str(code))

    def others_hold(self, uuid: str, count: int) -> None:
        """Let somebody else hold so many bytes from now on."""
        (self.folder / uuid / "others").write_text(str(count))


def build_driver(folder: Path) -> Path:
    """Compile the driver's library into a folder named by its source; that folder."""
    return _build(folder, "nvml.cpp", DRIVER, [])


def build_device(folder: Path) -> Path:
    """Compile driver and device into a folder named by their sources and torch's version; that folder."""
    import torch

    home = Path(torch.__file__).parent
    include = [f"-I{home / 'include'}", f"-I{home / 'include/torch/csrc/api/include'}"]
    linked = [f"-L{home / 'lib'}", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{home / 'lib'}"]
    built = _build(folder, "device.cpp", "device.so", ["-w", *include, *linked], f"{torch.__version__} {home}")
    shutil.copy(build_driver(folder) / DRIVER, built / DRIVER)
    return built


def place_to_build(config: pytest.Config) -> Path:
    """Where a test session keeps what it built; skips the test where nothing can be compiled."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler (g++) is installed to build the pretended GPU with")
    assert config.cache is not None
    return config.cache.mkdir("pretended")


def _build(folder: Path, source: str, name: str, more: list[str], version: str = "") -> Path:
    text = (HERE / source).read_bytes() + version.encode() + (sysconfig.get_config_var("SOABI") or "").encode()
    built = folder / hashlib.sha256(text).hexdigest()[:16]
    if not (built / name).exists():
        built.mkdir(parents=True, exist_ok=True)
        made = built / f"{name}.{os.getpid()}"
        line = ["g++", "-std=c++20", "-O1", "-fPIC", "-shared", str(HERE / source), "-o", str(made), *more]
        subprocess.run(line, check=True)
        made.replace(built / name)
    return built
