"""Before a run goes on, check that everything it was built on is still what it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.adapter_files import check_adapter, weights_file
from engine.ancestry import adapters_needed
from engine.errors import ResumeError
from engine.events import AdapterTrained
from engine.lineage import BASE, lineage, model_name
from engine.packs import Pack
from engine.seeding import data_files
from engine.spec import RunSpec
from engine.state import State


def check_spec(state: State, spec_sha256: str) -> None:
    """Raise ResumeError where `spec.json` is no longer the file that the run was begun with."""
    if state.spec_sha256 and state.spec_sha256 != spec_sha256:
        raise ResumeError(
            f"spec.json changed since the run was begun (sha256 {state.spec_sha256[:12]}…, now {spec_sha256[:12]}…); "
            "restore it, or start a new run (--again)."
        )


def check_resume(spec: RunSpec, folder: Path, state: State, pack: Pack, model_files: Mapping[str, str]) -> None:
    """Raise ResumeError, naming the thing, where model, pack, adapters or lineage changed since the run was made.

    `model_files` are today's hashes in the form of `Provenance.model_files`; files that the provenance does not name
    (a hub model that was not local then) are not compared. Of a fork's inherited cycles only the adapters are its
    concern, and only those that it still needs; adapters of its own may be gone once nothing needs them.
    """
    same_files("model file", spec.provenance.model_files, model_files)
    same_files("pack file", spec.provenance.pack_files, data_files(spec, pack))
    own = {cycle: trained for cycle, trained in state.adapters.items() if cycle > _inherited_to(spec)}
    needed = adapters_needed(spec.run, max(state.adapters, default=BASE)) | (own.keys() - state.cycles_finished)
    for cycle, trained in state.adapters.items():
        path = folder / trained.path
        if cycle in needed or (cycle in own and weights_file(path).exists()):
            check_adapter(path, trained)
    for trained in own.values():
        _same_lineage(spec, trained)
    for (cycle, purpose), drawn_by in state.drawn_by.items():
        models = lineage(spec.run, cycle)
        own_draw = purpose == "rejected" and drawn_by is not None and cycle > _inherited_to(spec)
        if own_draw and (models is None or drawn_by != models.rejected):
            raise ResumeError(
                f"cycle {cycle}: the rejected answers were drawn by cycle {drawn_by}; the spec says otherwise."
            )


def _inherited_to(spec: RunSpec) -> int:
    return BASE if spec.forked_at_cycle is None else spec.forked_at_cycle


def same_files(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ResumeError for a file of `then` that is another one now, or gone; both map names to sha256."""
    for name, digest in then.items():
        if now.get(name) != digest:
            what = "is gone" if name not in now else "changed"
            raise ResumeError(f"{kind} {name} {what} since the run was made; restore it, or start a new run (--again).")


def _same_lineage(spec: RunSpec, trained: AdapterTrained) -> None:
    models = lineage(spec.run, trained.cycle)
    if models is None:
        raise ResumeError(f"cycle {trained.cycle} was trained, but the spec now trains nothing there; use a new run.")
    _same_model(trained.cycle, "init", trained.init, model_name(models.init))
    if models.reference is not None:
        _same_model(trained.cycle, "reference", trained.reference, model_name(models.reference))


def _same_model(cycle: int, role: str, then: str | None, now: str) -> None:
    if then != now:
        raise ResumeError(
            f"cycle {cycle} was trained with {role} = {then}, but the spec now means {now}; use a new run."
        )
