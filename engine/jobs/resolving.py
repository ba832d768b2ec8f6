"""From a kind's settings to a job that can be queued: named, identified, with the hashes of what it was asked with."""

from __future__ import annotations

from collections.abc import Mapping

from engine.frozen import Frozen
from engine.jobs.kinds import check_job
from engine.jobs.spec import JobSpec, job_identity
from engine.provenance import machine
from engine.secrets import needed_secrets
from engine.spec import Backend, Execution

DEFAULT = Backend()


def resolve_job(
    kind: str,
    name: str,
    settings: Frozen,
    *,
    model: str | None = None,
    judge: str | None = None,
    secrets: tuple[str, ...] = (),
    pack_files: Mapping[str, str] | None = None,
    backend: Backend = DEFAULT,
) -> JobSpec:
    """A job of this kind; `model` and `judge` are what its worker loads, `secrets` names it needs beside the hub's,
    `pack_files` the hashes of the texts that it reads, `backend` who computes where it walks chains.

    Threads and device are the lab server's business. Raises SpecError, ModelError.
    """
    hub = needed_secrets(each for each in (model, judge) if each is not None)
    spec = JobSpec(
        job_id="",
        kind=kind,
        name=name,
        settings=settings.identity(),
        model=model,
        judge=judge,
        execution=Execution(
            **{name: getattr(backend, name) for name in Backend.model_fields},
            threads=1,
            secrets=tuple(sorted({*hub, *secrets})),
        ),
        provenance=machine(model, judge).model_copy(update={"pack_files": dict(pack_files or {})}),
    )
    check_job(spec)
    return spec.model_copy(update={"job_id": job_identity(spec)})
