"""The worker: walks chains and appends events; it knows nothing else.

    python -m engine.worker RUN_FOLDER …                  these runs, one after another
    python -m engine.worker --desk DESK [--linger S]      what is assigned at a desk, until nothing was for S seconds

It can be killed at any instant; started again on the same folder it replays its own journal and goes on. It stops at a
safe point: by SIGTERM with exit code 143, by `commands.jsonl` or a full disk with a recorded end.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from engine.assignments import Desk
from engine.desk_work import DEVICE_HELD, work_off
from engine.errors import IdemtuiError, LockedError, UsageError
from engine.kept_models import KeptModels
from engine.locks import FileLock
from engine.safe_point import Stopping
from engine.walking import GPU_FAILED, TERMINATED, attempt, say, work

__all__ = ["Stopping", "main", "work"]

LINGER_SECONDS = 20.0


def main(arguments: Sequence[str]) -> int:
    """The worker's exit code; with run folders the worst of them."""
    options = _options(arguments)
    stopping = Stopping()
    signal.signal(signal.SIGTERM, stopping)
    with ExitStack() as held:
        try:
            for lock in options.device_lock:
                held.enter_context(FileLock(lock, "the device"))
        except LockedError as error:
            say(f"idemtui: {error}")
            return DEVICE_HELD
        try:
            return _at_desk(options, stopping) if options.desk else _through(options.folders, stopping)
        except IdemtuiError as error:
            say(f"idemtui: {error}")
            return error.exit_code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.worker")
    parser.add_argument("folders", nargs="*", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--desk", type=Path, help="work off what is assigned at this desk")
    parser.add_argument("--linger", type=float, default=LINGER_SECONDS, help="seconds to wait for more at the desk")
    parser.add_argument(
        "--device-lock", type=Path, action="append", default=[], help="a file held locked for life, one for each GPU; "
        "exit 76 where another holds it",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if bool(options.folders) == bool(options.desk):
        parser.error("give run folders, or --desk")
    return options


def _at_desk(options: argparse.Namespace, stopping: Stopping) -> int:
    folder = options.desk.absolute()
    if not folder.is_dir():
        raise UsageError(f"--desk {folder}: no such folder; give a desk that the lab server has opened.")
    desk = Desk(folder)
    with FileLock(desk.lock, f"desk {folder.name}"):
        return work_off(desk, stopping, options.linger)


def _through(folders: Sequence[Path], stopping: Stopping) -> int:
    codes = []
    with KeptModels() as models:
        for folder in folders:
            codes.append(attempt(folder.absolute(), stopping, models))
            if stopping.asked:
                return TERMINATED
            if codes[-1] == GPU_FAILED:
                break
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
