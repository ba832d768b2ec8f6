"""What processes of a worker's own have in common: they die with it, print where it prints, and their GPU memory is
waited for.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import IO

from engine.errors import ProcessError

PR_SET_PDEATHSIG = 1
ENDING_SECONDS = 10.0
"""How long the driver may take to take back a process's memory."""
LOOK_SECONDS = 0.05


def die_with_parent() -> None:
    """Have Linux kill this process with the one that started it, also in the middle of a long call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def relay(printed: IO[bytes]) -> threading.Thread:
    """Pass on what a process prints to wherever this one's stderr leads by then, until it prints no more.

    A worker goes from one run's log to the next; a process that had the first one's would go on writing there.
    """

    def pass_on() -> None:
        with printed:
            while said := os.read(printed.fileno(), 1 << 16):
                with suppress(OSError):
                    os.write(2, said)

    thread = threading.Thread(target=pass_on, name="relay", daemon=True)
    thread.start()
    return thread


def how_ended(process: subprocess.Popen[bytes], seconds: float) -> str:
    """How a process ended that no longer answers; it has so many seconds to be gone."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    code = process.poll()
    return "closed its pipe" if code is None else f"exit code {code}" if code >= 0 else f"killed by signal {-code}"


def close_after(error: BaseException, close: Callable[[], None]) -> None:
    """Let go of what met an error or a reason to stop; memory that stays held is a note of that, not its successor."""
    try:
        close()
    except ProcessError as held:
        error.add_note(str(held))


def wait_for_memory(pids: Collection[int], who: str) -> None:
    """Wait until no GPU holds memory for these processes; ProcessError where one still does after a while."""
    deadline = time.monotonic() + ENDING_SECONDS
    while held := gpus_holding(pids):
        if time.monotonic() > deadline:
            raise ProcessError(
                f"{who} killed, but {', '.join(held)} still counts memory to it; see `nvidia-smi`, and resume the run "
                "when it is free.",
                "Held",
            )
        time.sleep(LOOK_SECONDS)


def gpus_holding(pids: Collection[int]) -> list[str]:
    """`GPU 0 (process 4711)` for all that NVML counts memory on to one of these; none where there is no NVML."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return []
    held = []
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            running = pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(index))
            held += [f"GPU {index} (process {pid})" for pid in sorted({int(one.pid) for one in running} & {*pids})]
    except pynvml.NVMLError:
        return held
    finally:
        pynvml.nvmlShutdown()
    return held
