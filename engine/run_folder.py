"""Reads the frozen spec of a run's or a job's folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import SpecError
from engine.jobs.spec import JobSpec
from engine.spec import RunSpec

Spec = TypeVar("Spec", bound=BaseModel)


def read_spec(folder: Path) -> RunSpec:
    """The frozen spec of a run folder; SpecError where there is none, or one that this version cannot read."""
    return _parse(folder, _content(folder), RunSpec)


def read_job(folder: Path) -> JobSpec:
    """The same of a job folder."""
    return _parse(folder, _content(folder), JobSpec)


def read_frozen(folder: Path) -> tuple[RunSpec | JobSpec, str]:
    """The frozen spec of a run or a job, and the sha256 of its very bytes."""
    content = _content(folder)
    spec = _parse(folder, content, JobSpec) if _is_job(content) else _parse(folder, content, RunSpec)
    return spec, hashlib.sha256(content).hexdigest()


def _content(folder: Path) -> bytes:
    path = folder / "spec.json"
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise SpecError(f"{path}: no such file; give the absolute path of a run's or a job's folder.") from None


def _is_job(content: bytes) -> bool:
    try:
        return "job_id" in json.loads(content)
    except (ValueError, TypeError):
        return False


def _parse(folder: Path, content: bytes, model: type[Spec]) -> Spec:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(f"{folder / 'spec.json'}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
