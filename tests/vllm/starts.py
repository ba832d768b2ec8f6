"""A worker that does nothing but hold vLLM: `python -m tests.vllm.starts SETTINGS` starts it, says so, and waits."""

from __future__ import annotations

import signal
import sys

import msgspec

from engine.vllm.messages import EngineSettings
from engine.vllm.process import EngineProcess


def main() -> None:
    """Until it is killed."""
    process = EngineProcess(msgspec.json.decode(sys.argv[1], type=EngineSettings))
    print(process.pid, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
