"""A leader as vLLM's process is one, with no vLLM: `python -m tests.engine.vllm.leader SECONDS`.

It leaves a guard, shares memory, starts a shard that does not heed SIGTERM, and prints the memory's name.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from multiprocessing import shared_memory

from engine.vllm.session import leave_guard

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"


def main() -> None:
    """Hold all of it until killed."""
    leave_guard(float(sys.argv[1]))
    memory = shared_memory.SharedMemory(create=True, size=4096)
    shard = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert shard.stdout is not None
    shard.stdout.readline()
    print(memory.name, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
