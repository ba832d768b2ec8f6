"""spec.json → a row of `runs` or of `jobs`. Read as plain JSON, so that an older program's spec is still remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import JournalError
from store.fold import utc


def spec_row(path: Path) -> tuple[Any, ...]:
    """The values of the `runs` table's frozen columns; raises JournalError for a file that is no spec."""
    try:
        text = path.read_text(encoding="utf-8")
        spec = json.loads(text)
        run = spec["run"]
        created = spec.get("provenance", {}).get("created_at")
        if spec["run_id"] != path.parent.name:
            raise JournalError(f"{path}: run_id {spec['run_id']!r} is not the folder's name.")
        return (
            spec["run_id"], spec["study"], spec["name"], spec["cell"], spec["replicate"],
            run["trait"], run["model"], run["regime"], run["init"], run.get("reference"), run.get("rejected"),
            run["n_seed"], run["n_sampled"], run["cycles"], run["seed"], run.get("control"),
            spec.get("parent_run_id"), spec.get("forked_at_cycle"), "queued", utc(created) if created else None, text,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"{path} is not a run's spec ({type(error).__name__}: {error}).") from None


def job_row(path: Path) -> tuple[Any, ...]:
    """The values of the `jobs` table's frozen columns; raises JournalError for a file that is no job's spec."""
    try:
        text = path.read_text(encoding="utf-8")
        spec = json.loads(text)
        created = spec.get("provenance", {}).get("created_at")
        if spec["job_id"] != path.parent.name:
            raise JournalError(f"{path}: job_id {spec['job_id']!r} is not the folder's name.")
        return spec["job_id"], spec["kind"], spec["name"], "queued", utc(created) if created else None, text
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"{path} is not a job's spec ({type(error).__name__}: {error}).") from None
