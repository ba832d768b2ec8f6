"""One folder of a run or a job, worked on once: from its lock to what its journal says became of it."""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.adapter_files import clear_partial
from engine.ancestry import check_parent, inherited_events
from engine.disk import naming_full_disk, reserve_bytes
from engine.errors import DiskFullError, IdemtuiError
from engine.events import RunCancelled, RunFailed, RunPaused, RunStarted
from engine.failures import gpu_failed, run_failed, with_notes
from engine.gpus import held_gpus, see_one_gpu
from engine.jobs.spec import JobSpec
from engine.journal import Journal
from engine.kept_models import KeptModels
from engine.locks import FileLock
from engine.log import Log, StopAsked
from engine.resume import check_spec
from engine.run_folder import read_frozen
from engine.safe_point import RunSafePoint, Stopping
from engine.secrets import hide_secrets
from engine.spec import RunSpec
from engine.state import fold

TERMINATED = 128 + signal.SIGTERM
GPU_FAILED = 74
"""Exit code of work that a GPU failed at: its process has to end, since CUDA answers nothing more there."""
Ending = RunCancelled | RunFailed | RunPaused


def attempt(folder: Path, stopping: Stopping, models: KeptModels) -> int:
    """`work`, with every error that it raises said on stderr and told by the exit code alone."""
    try:
        return work(folder, stopping, models)
    except IdemtuiError as error:
        say(f"idemtui: {error}")
        return error.exit_code
    except Exception:
        say(traceback.format_exc())
        return 1


def work(folder: Path, stopping: Stopping, models: KeptModels | None = None) -> int:
    """Work on one run or job until its end, its failure or a reason to stop; 0 when it finished or was stopped."""
    spec, spec_sha256 = read_frozen(folder)
    named = f"job {spec.job_id}" if isinstance(spec, JobSpec) else f"run {spec.run_id}"
    with (
        naming_full_disk(folder),
        FileLock(folder / "worker.lock", named),
        Journal(folder / "events.jsonl") as journal,
    ):
        log = Log(journal, fold(journal.replay()), RunSafePoint(folder, stopping, reserve_bytes()))
        if log.state.finished:
            return 0
        return _walk(_Walk(spec, spec_sha256, folder, log), models or KeptModels())


@dataclass(frozen=True)
class _Walk:
    spec: RunSpec | JobSpec
    spec_sha256: str
    folder: Path
    log: Log


def _walk(walk: _Walk, models: KeptModels) -> int:
    end, code = _outcome(walk, models)
    if isinstance(end, RunFailed):
        models.drop()
    try:
        if end is not None:
            walk.log.append(end.model_copy(update={"pid": os.getpid()}))
    except DiskFullError as error:
        say(f"idemtui: {error}")
        return error.exit_code
    return code


def _outcome(walk: _Walk, models: KeptModels) -> tuple[Ending | None, int]:
    """How the work ended, where that is not in its journal yet, and the exit code."""
    try:
        _do(walk, models)
    except StopAsked as asked:
        return _stopped(asked, walk.spec)
    except DiskFullError as error:
        return RunPaused(cause="disk", message=str(error)), 0
    except IdemtuiError as error:
        say(f"idemtui: {with_notes(error)}", walk.spec)
        return run_failed(error, walk.spec, walk.log.under_way), error.exit_code
    except Exception as error:
        say(traceback.format_exc(), walk.spec)
        return run_failed(error, walk.spec, walk.log.under_way), GPU_FAILED if gpu_failed(error) else 1
    return None, 0


def _stopped(asked: StopAsked, spec: RunSpec | JobSpec) -> tuple[Ending | None, int]:
    message = with_notes(asked)
    match asked.why:
        case "cancel":
            return RunCancelled(reason=message), 0
        case "pause":
            return RunPaused(cause="asked", message=message), 0
        case "disk":
            return RunPaused(cause="disk", message=message), 0
        case "terminate":
            if message != asked.message:
                say(f"idemtui: {message}", spec)
            return None, TERMINATED


Begun = tuple[list[str], Callable[[], None]]
"""The notes that a start records, and the work itself."""


def _do(walk: _Walk, models: KeptModels) -> None:
    """Heavy imports happen here, after the thread count is set."""
    spec, log = walk.spec, walk.log
    os.environ["OMP_NUM_THREADS"] = str(spec.execution.threads)
    log.safe_point()
    if spec.execution.device == "cuda":
        see_one_gpu()
    resumed = log.state.started
    check_spec(log.state, walk.spec_sha256)
    if isinstance(spec, JobSpec):
        notes, go = _begin_job(spec, walk, models)
    else:
        notes, go = _begin_chain(spec, walk, models)
    log.append(
        RunStarted(
            pid=os.getpid(),
            host=platform.node(),
            device=_device(spec.execution.device),
            threads=spec.execution.threads,
            resumed=resumed,
            spec_sha256=walk.spec_sha256,
            notes=notes,
        )
    )
    go()


def _device(device: str) -> str:
    """`cpu`, or the GPUs that this process holds, as it was told which, by their UUIDs from the lab server."""
    return ",".join(held_gpus()) or device if device == "cuda" else device


def _begin_chain(spec: RunSpec, walk: _Walk, models: KeptModels) -> Begun:
    folder, log = walk.folder, walk.log
    clear_partial(folder)
    check_parent(folder.parent, spec)
    for event in inherited_events(folder.parent, spec, texts=spec.data.looks_back):
        log.state.apply(event)
    from engine.parts import build_chain

    log.safe_point()
    chain, notes = build_chain(spec, folder, log, models)
    return notes, chain.run


def _begin_job(spec: JobSpec, walk: _Walk, models: KeptModels) -> Begun:
    from engine.jobs.job import Job
    from engine.jobs.kinds import work_on

    job = Job(spec, walk.folder, walk.log, models)
    return [], lambda: work_on(job)


def say(text: str, spec: RunSpec | JobSpec | None = None) -> None:
    """Print for the log, without the values of secrets."""
    print(hide_secrets(text.rstrip(), spec.execution.secrets if spec else ()), file=sys.stderr, flush=True)
