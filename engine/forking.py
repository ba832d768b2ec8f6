"""A fork: a run that goes on from a cycle of another one, under other settings for what comes after it.

What the inherited cycles were made or measured with stays as it was, or the two halves would be no chain. Imports no
torch; what it refuses was never queued.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from engine.errors import SpecError, UsageError
from engine.naming import fork_cell, run_name
from engine.resolving import REGIMES, REQUIRED, Draft, build, fill
from engine.spec import RunSpec
from engine.study_file import SECTIONS, Values

OPEN_SECTIONS = ("train", "sample", "select", "execution")
OPEN_KEYS = (
    "run.regime",
    "run.init",
    "run.restart_every",
    "run.reference",
    "run.rejected",
    "run.cycles",
    "run.n_sampled",
    "run.seed",
    "run.on_stop",
    "data.reuse_prompts",
    "data.mix",
    "data.seed_fraction",
)
DPO_KEYS = ("run.reference", "run.rejected")


def resolve_fork(parent: RunSpec, at: int, changes: Mapping[str, Any]) -> RunSpec:
    """The run that goes on from the parent's cycle `at` with `changes` by dotted key; without any, as the parent did.

    What the study stated stays unless it is changed; what came from recipe or default is resolved anew where the
    regime changes. Raises SpecError for an unknown key, one that a fork may not change, or a cycle there is none after;
    PackError or ModelError where pack or model are no longer there.
    """
    where = f"fork of {parent.name} at cycle {at}"
    values = _settings(parent)
    for key, value in changes.items():
        _may_change(where, values, key, value)
    _check_place(where, parent, at, changes)
    try:
        draft = _draft(where, parent, values, changes)
        spec = build(draft, parent.execution, parent_run_id=parent.run_id, forked_at_cycle=at)
    except UsageError as error:
        raise error if str(error).startswith(where) else type(error)(f"{where}: {error}") from None
    if spec.run.cycles <= at:
        raise SpecError(
            f"{where}: run.cycles = {spec.run.cycles} leaves nothing to do; set run.cycles to {at + 1} or more."
        )
    _same_files(where, parent, spec)
    cell = fork_cell(parent, spec, at, [key for key in changes if values[key] != changes[key]])
    return spec.model_copy(update={"cell": cell, "name": run_name(cell, spec), "replicate": parent.replicate})


def _settings(spec: RunSpec) -> Values:
    sections = {name: getattr(spec, name).model_dump(include=set(SECTIONS[name].model_fields)) for name in SECTIONS}
    return {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}


def _is_open(key: str) -> bool:
    return key in OPEN_KEYS or key.partition(".")[0] in OPEN_SECTIONS


def _may_change(where: str, values: Values, key: str, value: Any) -> None:
    if key not in values:
        near = difflib.get_close_matches(key, values, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SpecError(f"{where}: unknown key {key}; allowed: {_allowed()}{hint}")
    if not _is_open(key) and value != values[key]:
        raise SpecError(
            f"{where}: {key} = {value!r} may not change: the inherited cycles were made or measured with "
            f"{values[key]!r}. A fork may change {_allowed()}; for anything else start a new run."
        )


def _allowed() -> str:
    return ", ".join([*OPEN_KEYS, *(f"{section}.…" for section in OPEN_SECTIONS)])


def _check_place(where: str, parent: RunSpec, at: int, changes: Mapping[str, Any]) -> None:
    if parent.run.control is not None:
        raise SpecError(
            f"{where}: {parent.name} is a control ({parent.run.control}), and what goes on from it under other "
            "settings would be none; fork a run of its study, or start a new run."
        )
    if not 0 <= at <= parent.run.cycles:
        raise SpecError(f"{where}: {parent.name} has the cycles 0…{parent.run.cycles}; fork at one of them.")
    regime = changes.get("run.regime", parent.run.regime)
    if regime in REGIMES and (regime == "sdf") != (parent.run.regime == "sdf"):
        allowed = "sdf" if parent.run.regime == "sdf" else "sft, dpo"
        raise SpecError(
            f"{where}: run.regime = {regime!r} is not for {parent.run.model}, a model of kind {parent.run.kind}; "
            f"allowed: {allowed}."
        )


def _draft(where: str, parent: RunSpec, values: Values, changes: Mapping[str, Any]) -> Draft:
    """Stated values, the changes among them, resolved as a study's; then what has to stay put back as it was."""
    regime = changes.get("run.regime", parent.run.regime)
    stated = {key: values[key] for key in values if key in REQUIRED or parent.origins.get(key) == "study"} | dict(
        changes
    )
    if regime != "dpo":
        stated = {key: value for key, value in stated.items() if key in changes or key not in DPO_KEYS}
    if changes.get("run.init", "restart") != "restart" and "run.restart_every" not in changes:
        stated.pop("run.restart_every", None)
    draft = fill(where, parent.study, stated)
    for key, value in values.items():
        if not _is_open(key) or _stays(parent, changes, key):
            draft.values[key] = value
            draft.origins.pop(key, None)
            if key in parent.origins:
                draft.origins[key] = parent.origins[key]
    return draft


def _stays(parent: RunSpec, changes: Mapping[str, Any], key: str) -> bool:
    """Whether an open value is kept: where the regime is the parent's, a recipe that changed since changes no fork."""
    if key in changes or changes.get("run.regime", parent.run.regime) != parent.run.regime:
        return False
    if key == "run.restart_every" and "run.init" in changes:
        return False
    followed = key == "run.reference" and parent.origins.get(key) != "study"
    return not (followed and "run.init" in changes)


def _same_files(where: str, parent: RunSpec, spec: RunSpec) -> None:
    """Refuse where the inherited cycles were made or measured with other files than are there now."""
    then = {**parent.provenance.model_files, **parent.provenance.pack_files}
    now = {**spec.provenance.model_files, **spec.provenance.pack_files}
    for name, digest in then.items():
        if now.get(name) != digest:
            what = "changed" if name in now else "is gone"
            raise SpecError(f"{where}: {name} {what} since {parent.name} was made; restore it, or start a new run.")
