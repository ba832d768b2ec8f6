"""Checks of what runs would compute on: driver, CUDA, torch, vLLM, what is free on every GPU; loads none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.backends import vllm_version
from engine.compiler import ADVICE, compiler_trouble
from idemtui.amounts import size
from idemtui.device_words import process_words
from idemtui.doctor.check import Check
from idemtui.server.devices import DevicesError, Gpu, NvmlReader
from idemtui.server.figures import process_row

NAMED = 4
"""Processes that are named on one GPU, the largest."""
CUDA_LINE = re.compile(r"^cuda\b.*=\s*'([\d.]+)'", re.MULTILINE)
VERSION_LINE = re.compile(r"^__version__\s*=\s*'([^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Software:
    """Versions as they are installed; None for what is not there, or has no CUDA in it."""

    torch: str | None
    torch_cuda: str | None
    vllm: str | None


def installed() -> Software:
    """Read from the packages' own files: importing torch would take seconds."""
    text = _version_file("torch")
    version, cuda = VERSION_LINE.search(text), CUDA_LINE.search(text)
    return Software(
        torch=version[1] if version else None,
        torch_cuda=cuda[1] if cuda else None,
        vllm=vllm_version() if find_spec("vllm") else None,
    )


def _version_file(package: str) -> str:
    found = find_spec(package)
    if found is None or found.origin is None:
        return ""
    path = Path(found.origin).with_name("version.py")
    return path.read_text(encoding="utf-8") if path.exists() else ""


def check_gpus(reader: NvmlReader | None = None, software: Software | None = None) -> Check:
    """Whether a run on a GPU could start here, and what it would find."""
    reader, have = reader or NvmlReader(), software or installed()
    own = ", ".join(
        [
            f"torch {have.torch or 'not installed'}" + (f" for CUDA {have.torch_cuda}" if have.torch_cuda else ""),
            f"vLLM {have.vllm}" if have.vllm else "no vLLM",
        ]
    )
    try:
        driver, gpus = reader.driver(), reader.read()
    except DevicesError as error:
        return Check("gpus", "ok", f"{error}; {own}: runs go to the CPU")
    what = f"driver {driver.version} (CUDA {driver.cuda}), {own}; {'; '.join(map(_gpu_words, gpus)) or 'no GPU'}"
    if gpus and have.torch_cuda is None:
        return Check("gpus", "bad", f"{what}: this torch has no CUDA", _install("the ordinary torch wheel"))
    if have.torch_cuda is not None and _major(have.torch_cuda) > _major(driver.cuda):
        advice = f"Update the driver to one for CUDA {have.torch_cuda}, or install a torch for CUDA {driver.cuda}."
        return Check("gpus", "bad", f"{what}: the driver is too old for this torch", advice)
    trouble = compiler_trouble() if gpus else None
    if trouble is not None:
        return Check(
            "gpus", "bad", f"{what}: Triton compiles what trains and draws on a GPU, and {trouble}", _sentence(ADVICE)
        )
    if any(gpu.trouble for gpu in gpus):
        return Check(
            "gpus", "warn", what, "`nvidia-smi` and the kernel's log (Xid) say why; it needs a reset or a reboot."
        )
    if gpus and have.vllm is None:
        return Check("gpus", "warn", f"{what}: transformers draws, more slowly", _install("vLLM"))
    return Check("gpus", "ok", what)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _install(what: str) -> str:
    return f"`pip install -c constraints-gpu.txt -e '.[vllm]'` brings {what}."


def _gpu_words(gpu: Gpu) -> str:
    if gpu.trouble:
        return f"GPU {gpu.index} cannot be used: {gpu.trouble}"
    largest = sorted(gpu.processes, key=lambda process: -(process.used or 0))
    named = [process_words(process_row(process, ours=False)) for process in largest[:NAMED]]
    more = [f"{len(largest) - NAMED} more"] if len(largest) > NAMED else []
    others = f", in use by {', '.join([*named, *more])}" if named else ""
    return f"GPU {gpu.index} {gpu.name}: {size(gpu.total - gpu.used)} of {size(gpu.total)} free{others}"


def _major(version: str) -> int:
    return int(version.split(".")[0])
