"""Before a run goes on, check that everything it was built on is still what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from engine.errors import ResumeError
from engine.lineage import lineage, model_name
from engine.packs import Pack
from engine.spec import RunSpec
from engine.state import State


def check_resume(spec: RunSpec, folder: Path, state: State, pack: Pack, model_files: Mapping[str, str]) -> None:
    """Raise ResumeError, naming the thing, where model, pack, adapters or lineage changed since the run was made.

    `model_files` are today's hashes in the form of `Provenance.model_files`; files that the provenance does not name
    (a hub model that was not local then) are not compared.
    """
    _same_files("model file", spec.provenance.model_files, model_files)
    _same_files("pack file", spec.provenance.pack_files, pack.files(spec.run.trait))
    for cycle, trained in state.adapters.items():
        _same_adapter(cycle, folder / trained.path / "adapter_model.safetensors", trained.adapter_sha256)
        models = lineage(spec.run, cycle)
        _same_model(cycle, "init", trained.init, model_name(models.init))
        if models.reference is not None:
            _same_model(cycle, "reference", trained.reference, model_name(models.reference))
    for (cycle, purpose), drawn_by in state.drawn_by.items():
        if purpose == "rejected" and drawn_by != lineage(spec.run, cycle).rejected:
            raise ResumeError(
                f"cycle {cycle}: the rejected answers were drawn by cycle {drawn_by}; the spec says otherwise."
            )


def _same_files(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    for name, digest in then.items():
        if now.get(name) != digest:
            what = "is gone" if name not in now else "changed"
            raise ResumeError(f"{kind} {name} {what} since the run was made; restore it, or start a new run (--again).")


def _same_adapter(cycle: int, path: Path, digest: str) -> None:
    if not path.exists():
        raise ResumeError(
            f"{path} is gone: the adapter of cycle {cycle} is needed to go on; start a new run (--again)."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ResumeError(f"{path} changed since cycle {cycle} was trained; restore it, or start a new run (--again).")


def _same_model(cycle: int, role: str, then: str | None, now: str) -> None:
    if then != now:
        raise ResumeError(
            f"cycle {cycle} was trained with {role} = {then}, but the spec now means {now}; use a new run."
        )
