"""Specs become folders of runs and jobs: all checked before anything is written, each `spec.json` whole or never."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from engine.arms import check_device
from engine.disk import sync_folder
from engine.errors import LabError, UsageError
from engine.jobs.kinds import check_job
from engine.jobs.spec import JobSpec, job_identity
from engine.spec import RunSpec, spec_identity
from store.lab import JOB, Lab

RUN_ID = re.compile(r"[0-9a-f]{6,64}")
WORK_ID = re.compile(rf"{JOB}?[0-9a-f]{{6,64}}")


def parse_specs(documents: list[object]) -> list[RunSpec]:
    """Raise UsageError for a document that is no resolved spec."""
    specs = []
    for document in documents:
        try:
            spec = RunSpec.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"submit: spec key {place!r}: {first['msg']}; is the client of another version?") from None
        if not RUN_ID.fullmatch(spec.run_id):
            raise UsageError(f"submit: run_id {spec.run_id!r} has to be hex digits: it names a folder.")
        specs.append(spec)
    return specs


def others(specs: list[RunSpec], lab: Lab) -> list[RunSpec]:
    """The same settings under run ids that the lab does not hold yet; forks of runs among them follow those."""
    new_ids: dict[str | None, str] = {}
    made = []
    for spec in specs:
        parent = new_ids.get(spec.parent_run_id, spec.parent_run_id)
        made.append(_another(spec.model_copy(update={"parent_run_id": parent}), lab))
        new_ids[spec.run_id] = made[-1].run_id
    return made


def _another(spec: RunSpec, lab: Lab) -> RunSpec:
    spec = spec.model_copy(update={"run_id": spec_identity(spec)})
    while lab.run(spec.run_id).exists():
        spec = spec.model_copy(update={"again": spec.again + 1})
        spec = spec.model_copy(update={"run_id": spec_identity(spec)})
    return spec


def freeze_specs(specs: list[RunSpec], lab: Lab) -> None:
    """Make every run's folder, or none where one cannot be made; SpecError for one that its device cannot run."""
    for spec in specs:
        if not lab.run(spec.run_id).exists():
            check_device(spec.name, spec)
    made: list[RunSpec] = []
    try:
        for spec in specs:
            made += [spec] if freeze_spec(spec, lab) else []
    except LabError:
        for spec in made:
            shutil.rmtree(lab.run(spec.run_id), ignore_errors=True)
        raise


def freeze_spec(spec: RunSpec, lab: Lab) -> bool:
    """Write the run's folder and `spec.json`; False where the lab holds the run already."""
    return _freeze(lab.run(spec.run_id), spec)


def parse_job(document: object) -> JobSpec:
    """Raise UsageError for a document that is no resolved job of a kind known here."""
    try:
        spec = JobSpec.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"submit: job key {place!r}: {first['msg']}; is the client of another version?") from None
    check_job(spec)
    if spec.job_id != job_identity(spec):
        raise UsageError(f"submit: job_id {spec.job_id!r} is not what its settings give, {job_identity(spec)!r}.")
    return spec


def freeze_job(spec: JobSpec, lab: Lab) -> bool:
    """Write the job's folder and `spec.json`; False where the lab holds the job already."""
    return _freeze(lab.work(spec.job_id), spec)


def _freeze(folder: Path, spec: RunSpec | JobSpec) -> bool:
    if (folder / "spec.json").exists():
        return False
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(folder / "spec.json", spec.model_dump_json(indent=2) + "\n")
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        raise LabError(f"folder {folder}: {error.strerror}; nothing was queued for {spec.name}.") from None
    return True


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
