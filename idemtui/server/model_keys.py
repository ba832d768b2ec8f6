"""What a worker has loaded and what a run needs: runs of the same key can share one worker, one after another."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import JournalError


@dataclass(frozen=True)
class ModelKey:
    """Everything about a run that its process is bound to."""

    model: str
    judge: str
    """The model that it loads to judge with; empty where a server judges."""
    threads: int
    device: str
    """`cpu` or `cuda`."""
    secrets: tuple[str, ...] = ()
    """Names of the variables in the worker's environment that people gave."""
    gpus: int = 1
    """GPUs that it holds at once."""

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def read_key(folder: Path) -> ModelKey:
    """The key of a run or job, from its frozen spec; JournalError where that cannot be read."""
    path = folder / "spec.json"
    try:
        spec = json.loads(path.read_bytes())
        execution = spec["execution"]
        model, judge = _models(spec)
        device = "cuda" if str(execution.get("device", "cpu")).startswith("cuda") else "cpu"
        return ModelKey(
            model=model,
            judge=judge,
            threads=max(int(execution["threads"]), 1),
            device=device,
            secrets=tuple(sorted(execution.get("secrets", ()))),
            gpus=int(execution.get("gpus", 1)) if device == "cuda" else 1,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"{path}: cannot be read ({type(error).__name__}: {error}).") from None


def _models(spec: dict[str, Any]) -> tuple[str, str]:
    """What a run or a job loads in each role; empty for a role that a job has no use for."""
    if "job_id" in spec:
        return str(spec["model"] or ""), str(spec["judge"] or "")
    return str(spec["run"]["model"]), str(spec["judge"]["model"])


def key_from(plain: dict[str, Any]) -> ModelKey:
    """What `plain` gave; raises TypeError for anything else."""
    return ModelKey(**{**plain, "secrets": tuple(plain.get("secrets", ()))})
