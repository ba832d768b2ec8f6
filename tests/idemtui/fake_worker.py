"""A worker without models: `fake_worker.py MODE --desk DESK …` (or `MODE RUN_FOLDER`), with the real one's protocol.

`finish` writes the invented chain of each run; `hold` begins it and waits for a pause, a cancel or a file named
`release`; `crash` ends without a word; `secret` says how long the run's HF_TOKEN is; `full` meets a full disk until a
file named `room` lies in the lab; `hostile` says what a terminal might obey wherever a worker has words,
marks the first chain and fails at the others.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.assignments import Desk
from engine.commands import stop_requested
from engine.errors import LockedError
from engine.events import ChainMarked, Noted, RunCancelled, RunFailed, RunFinished, RunPaused
from engine.journal import Journal
from engine.locks import FileLock
from tests.idemtui.hostile import HOSTILE
from tests.store.journals import DEMO, chain_events, chain_spec

TERMINATED = 143


def work(mode: str, folder: Path, asked: Callable[[], bool]) -> int:
    if mode == "crash":
        print("fake worker: no memory left", flush=True)
        os._exit(3)
    chain = next((chain for chain in DEMO if chain_spec(chain).run_id == folder.name), DEMO[0])
    events = list(chain_events(chain))
    with FileLock(folder / "worker.lock", "run"), Journal(folder / "events.jsonl") as journal:
        journal.append(events[0].model_copy(update={"resumed": bool(journal.entries)}))
        if mode == "full" and not (folder.parents[1] / "room").exists():
            journal.append(RunPaused(cause="disk", message="0 MB free"))
            return 0
        if mode == "hostile":
            print(HOSTILE, flush=True)
            if chain is not DEMO[0]:
                journal.append(RunFailed(error="IdemtuiError", message=HOSTILE))
                return 1
            journal.append(Noted(topic="memory", message=HOSTILE))
            journal.append(ChainMarked(cycle=0, rule=HOSTILE, message=HOSTILE))
        if mode == "secret":
            print(f"HF_TOKEN has {len(os.environ['HF_TOKEN'])} characters", flush=True)
        while mode == "hold" and not (folder / "release").exists():
            stop = stop_requested(folder)
            if stop is not None:
                pause = RunPaused(cause="asked", message="asked to")
                journal.append(pause if stop == "pause" else RunCancelled(reason="asked to"))
                return 0
            if asked():
                return TERMINATED
            time.sleep(0.02)
        if mode == "hold":
            journal.append(RunFinished(cycles_done=0))
        for event in events[1:] if mode != "hold" else ():
            journal.append(event, durable=False)
    return 0


def work_off(mode: str, desk: Desk, linger: float, asked: Callable[[], bool]) -> int:
    idle_since = time.monotonic()
    while not asked():
        waiting = desk.waiting()
        if waiting:
            with (waiting[0] / "worker.log").open("a") as log, contextlib.redirect_stdout(log):
                code = work(mode, waiting[0], asked)
            desk.finish(waiting[0], code)
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since < linger:
            time.sleep(0.02)
        elif desk.close():
            return 0
    return TERMINATED


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--desk", type=Path)
    parser.add_argument("--linger", type=float, default=20.0)
    parser.add_argument("--device-lock", type=Path, action="append", default=[])
    options = parser.parse_args()
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
    with contextlib.ExitStack() as held:
        try:
            for lock in options.device_lock:
                held.enter_context(FileLock(lock, "the device"))
        except LockedError:
            return 76
        if options.folder is not None:
            return work(options.mode, options.folder.absolute(), lambda: bool(signals))
        desk = Desk(options.desk)
        held.enter_context(FileLock(desk.lock, "desk"))
        return work_off(options.mode, desk, options.linger, lambda: bool(signals))


if __name__ == "__main__":
    sys.exit(main())
