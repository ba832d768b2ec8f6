"""Who judged, as scores, books and tables name it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from engine.errors import ModelError
from engine.model_files import model_files
from engine.spec import JudgeSettings

LONGEST = 60


def rubric_version(rubric: str) -> str:
    """12 hex digits of the rubric's own text."""
    return hashlib.sha256(rubric.encode()).hexdigest()[:12]


def local_judge_id(name: str, method: str) -> str:
    """The judge's short name and a hash of its files, so that one judge has one id in every lab."""
    try:
        files = model_files(name)
    except ModelError:
        files = {}
    told = "|".join(f"{file}={digest}" for file, digest in sorted(files.items())) or name
    return f"{_short(name)}-{method}-{_hash(told)}"


def server_method(settings: JudgeSettings) -> str:
    """`logprobs`, or `sampled-5`: drawn, and how often."""
    return settings.method if settings.method == "logprobs" else f"sampled-{settings.draws}"


def server_judge_id(settings: JudgeSettings) -> str:
    """The name that the server knows and a hash of both: the same name elsewhere may be another model."""
    return f"{_short(settings.model)}-{server_method(settings)}-{_hash(f'{settings.server}|{settings.model}')}"


def repeated(judge_id: str, repeat: int) -> str:
    """The judge asked for the so-manieth time: its second word on a text stands beside its first."""
    return judge_id if repeat == 1 else f"{judge_id}-again{repeat}"


def _short(name: str) -> str:
    """The last part of a name, as files may be called."""
    return re.sub(r"[^\w.-]", "_", Path(name).name)[:LONGEST]


def _hash(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:8]
