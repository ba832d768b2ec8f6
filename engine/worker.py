"""The worker: `python -m engine.worker RUN_FOLDER …` walks chains and appends events; it knows nothing else.

It can be killed at any instant; started again on the same folder it replays its own journal and goes on. SIGTERM stops
it at the next safe point with exit code 143, a cancel in `commands.jsonl` with a recorded end.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from engine.commands import stop_requested
from engine.errors import IdemtuiError, SpecError
from engine.events import RunCancelled, RunFailed, RunStarted
from engine.journal import Journal
from engine.locks import FileLock
from engine.log import Log, StopAsked
from engine.spec import RunSpec
from engine.state import fold

TERMINATED = 128 + signal.SIGTERM


def main(folders: Sequence[str]) -> int:
    """Walk the runs one after another; the exit code is the worst of them."""
    if not folders:
        print("usage: python -m engine.worker RUN_FOLDER …", file=sys.stderr)
        return 2
    stopping = Stopping()
    signal.signal(signal.SIGTERM, stopping)
    codes = []
    for folder in folders:
        try:
            codes.append(work(Path(folder).absolute(), stopping))
        except IdemtuiError as error:
            print(f"idemtui: {error}", file=sys.stderr)
            codes.append(error.exit_code)
        if stopping.asked:
            return TERMINATED
    return max(codes)


class Stopping:
    """Remembers that SIGTERM came."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        self.asked = True


def read_spec(folder: Path) -> RunSpec:
    """The frozen spec of a run folder."""
    try:
        return RunSpec.model_validate_json((folder / "spec.json").read_bytes())
    except FileNotFoundError:
        raise SpecError(f"{folder / 'spec.json'}: no such file; give the absolute path of a run's folder.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(f"{folder / 'spec.json'}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def work(folder: Path, stopping: Stopping) -> int:
    """Walk one run to its end, its failure or a request to stop; 0 when it finished or was cancelled as asked."""
    spec = read_spec(folder)
    with FileLock(folder / "worker.lock", f"run {spec.run_id}"), Journal(folder / "events.jsonl") as journal:
        log = Log(journal, fold(journal.replay()), lambda: _safe_point(folder, stopping))
        return 0 if log.state.finished else _walk(spec, folder, log)


def _safe_point(folder: Path, stopping: Stopping) -> None:
    if stop_requested(folder) == "cancel":
        raise StopAsked(cancel=True)
    if stopping.asked:
        raise StopAsked(cancel=False)


def _walk(spec: RunSpec, folder: Path, log: Log) -> int:
    try:
        _chain(spec, folder, log)
    except StopAsked as asked:
        if asked.cancel:
            log.append(RunCancelled(reason="cancelled by its user"))
        return 0 if asked.cancel else TERMINATED
    except IdemtuiError as error:
        log.append(RunFailed(error=type(error).__name__, message=str(error)))
        print(f"idemtui: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        log.append(RunFailed(error=type(error).__name__, message=" ".join(str(error).split())[:500]))
        return 1
    return 0


def _chain(spec: RunSpec, folder: Path, log: Log) -> None:
    """Heavy imports happen here, after the thread count is set."""
    os.environ["OMP_NUM_THREADS"] = str(spec.execution.threads)
    from engine.parts import build_chain

    log.safe_point()
    resumed = log.state.started
    chain, notes = build_chain(spec, folder, log)
    log.append(
        RunStarted(
            pid=os.getpid(),
            host=platform.node(),
            device=spec.execution.device,
            threads=spec.execution.threads,
            resumed=resumed,
            notes=notes,
        )
    )
    chain.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
