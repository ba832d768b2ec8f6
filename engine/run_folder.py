"""Reads the frozen spec of a run folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from engine.errors import SpecError
from engine.spec import RunSpec


def read_spec(folder: Path) -> RunSpec:
    """The frozen spec of a run folder; SpecError where there is none, or one that this version cannot read."""
    return read_frozen(folder)[0]


def read_frozen(folder: Path) -> tuple[RunSpec, str]:
    """The frozen spec and the sha256 of its very bytes."""
    path = folder / "spec.json"
    try:
        content = path.read_bytes()
        return RunSpec.model_validate_json(content), hashlib.sha256(content).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        raise SpecError(f"{path}: no such file; give the absolute path of a run's folder.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
