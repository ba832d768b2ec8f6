"""The resolved specification of one job: work of the lab that is no run, such as writing seed data or judging anew.

A job has a folder of its own, `jobs/<job_id>`, with the same four files as a run's, and lives the same life: queued,
worked on under its folder's lock, paused, killed and gone on with from its journal. What differs is what is done, its
`kind`; `engine.jobs.kinds` says how one is added.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.frozen import Frozen
from engine.spec import Execution, Provenance

MARK = "j"
"""How every job id begins, and no run id: those are hex digits."""


class JobSpec(Frozen):
    """One job, every default of its kind filled in."""

    job_id: str
    kind: str
    """A key of `engine.jobs.kinds.KINDS`."""
    name: str
    """What people call it; no part of its identity."""
    settings: dict[str, Any]
    """The kind's own settings, as its settings class dumps them."""
    model: str | None = None
    """A model that its worker loads, None where it loads none in that role; likewise `judge`."""
    judge: str | None = None
    execution: Execution
    provenance: Provenance = Provenance()
    again: int = 0
    """How many jobs of the same settings were asked for before."""


def job_identity(spec: JobSpec) -> str:
    """The job id: `j` and 9 hex digits over everything that decides what the job does, nothing that does not."""
    decides = spec.model_dump(mode="json", include={"kind", "settings", "model", "judge", "again"})
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return MARK + hashlib.sha256(canonical.encode()).hexdigest()[:9]
