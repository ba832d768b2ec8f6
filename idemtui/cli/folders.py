"""Which runs and jobs a lab holds, by their folders: what steering needs while another program holds the database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.lab import Lab

SHOWN = ("run_id", "study", "name", "cell")


def specs_of(lab: Lab) -> list[dict[str, Any]]:
    """The frozen spec of every run's and job's folder that has a readable one, oldest first; `run_id` names either."""
    found = []
    for path in (*lab.runs.glob("*/spec.json"), *lab.jobs.glob("*/spec.json")):
        try:
            spec = json.loads(path.read_bytes())
            named = {"run_id": spec["job_id"], "study": spec["kind"], "cell": ""} if "job_id" in spec else {}
            found.append((spec["provenance"].get("created_at", ""), path.parent.name, spec | named))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [spec for _, _, spec in sorted(found, key=lambda each: each[:2])]


def runs_by_folder(lab: Lab) -> list[dict[str, Any]]:
    """Run id, study, name and cell of every run; a job's id and kind stand for the first two."""
    return [{key: spec.get(key) for key in SHOWN} for spec in specs_of(lab)]


def secrets_by_folder(lab: Lab, run_ids: list[str] | None) -> list[str]:
    """Names of the secrets that these runs need, all runs where None."""
    chosen = [spec for spec in specs_of(lab) if run_ids is None or spec.get("run_id") in run_ids]
    return sorted({name for spec in chosen for name in spec.get("execution", {}).get("secrets", ())})
