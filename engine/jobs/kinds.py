"""What kinds of jobs there are.

To add one:
1. `engine/jobs/<kind>.py`: a settings class (`Frozen`), and a function that takes a `Job` and works on it. It asks
   `job.log.state` what the journal holds already, so that a killed job draws and judges nothing twice; it calls
   `job.log.safe_point()` between any two steps, appends what it did with `job.log.append`, and tells `job.progress`.
   Start and end (`run_started`, `run_finished`, failures, pauses) are written for it. Heavy imports stay in functions.
2. one line in KINDS below; new events in `engine/events.py` where the existing ones do not say it.
3. `idemtui/cli/<kind>.py`: a command that builds the settings and calls `idemtui.cli.jobs.submit_job`. Queue, server,
   `ls --jobs`, `show`, `pause`, `resume`, `cancel`, `retry`, `rm` and `rebuild` know it then.
4. only where its events have to become rows of their own: a case in `store/fold.py`. Texts (`samples_drawn`) and scores
   (`samples_judged`) of a job become rows under its job id as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from engine.errors import SpecError
from engine.events import RunFinished
from engine.frozen import Frozen
from engine.jobs.calibrate import CalibrateSettings, calibrate
from engine.jobs.job import Job
from engine.jobs.judge import RejudgeSettings, rejudge
from engine.jobs.seed import SeedSettings, write_seed
from engine.jobs.spec import JobSpec
from engine.provenance import file_hashes
from engine.resume import same_files


@dataclass(frozen=True)
class Kind:
    """The settings class of a kind, and what works on a job of it."""

    settings: type[Frozen]
    work: Callable[[Job], None]


KINDS: Mapping[str, Kind] = {
    "seed": Kind(SeedSettings, write_seed),
    "calibrate": Kind(CalibrateSettings, calibrate),
    "judge": Kind(RejudgeSettings, rejudge),
}


def check_job(spec: JobSpec) -> None:
    """Raise SpecError for an unknown kind and for settings that are not its own."""
    if spec.kind not in KINDS:
        raise SpecError(f"job {spec.name!r}: kind = {spec.kind!r}; allowed: {', '.join(KINDS)}.")
    try:
        KINDS[spec.kind].settings.model_validate(spec.settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise SpecError(f"job {spec.name!r}: {key} = {first['input']!r}: {first['msg']}.") from None


def work_on(job: Job) -> None:
    """Do the job, from wherever its journal ends; ResumeError where its models are no longer what they were."""
    check_job(job.spec)
    same_files("model file", job.spec.provenance.model_files, file_hashes(job.spec.model, job.spec.judge))
    KINDS[job.spec.kind].work(job)
    job.log.append(RunFinished())
