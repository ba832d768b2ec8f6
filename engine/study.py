"""From a study file to frozen runs: each of its combinations resolved, named, and put in its cell.

`resolve_study` reads no weights and imports no torch; what it refuses was never queued.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.controls import control_values
from engine.errors import SpecError, UsageError
from engine.naming import cell_name, run_name
from engine.resolving import build, fill
from engine.spec import Execution, RunSpec, spec_identity
from engine.study_file import StudyFile, Values, read_study

SHARED = "shared-M_0"
"""What a cell is called whose replicates share their M_0: their spread holds none of its training."""


def resolve_study(
    path: str | os.PathLike[str],
    *,
    overrides: Mapping[str, Any] | None = None,
    threads: int = 1,
    again: int = 0,
) -> list[RunSpec]:
    """The runs of a study in the file's order, its controls last.

    `overrides` are dotted keys that win over the file; `threads` is one worker's share of the cores, which the lab
    server knows; `again` > 0 gives runs of the same settings new ids. Raises SpecError, PackError or ModelError.
    """
    study = read_study(Path(path), overrides)
    execution = Execution(threads=threads)
    try:
        specs = [spec for stated in study.combinations for spec in _replicates(study, stated, execution, again)]
        for stated in control_values(study.combinations, study.controls):
            specs.append(build(fill(str(study.path), study.name, stated), execution, again))
    except UsageError as error:
        named = str(error).startswith(str(study.path))
        raise error if named else type(error)(f"{study.path}: {error}") from None
    return _number_replicates(study, specs)


def _replicates(study: StudyFile, stated: Values, execution: Execution, again: int) -> list[RunSpec]:
    """One combination's runs: the first has the stated seed; where M_0 is shared the others are forks at its M_0."""
    first = build(fill(str(study.path), study.name, stated), execution, again)
    shares = study.shared_m0 and first.run.control is None
    if shares and first.run.cycles == 0:
        raise SpecError(
            f"{study.path}: study.shared_m0 = true leaves nothing to do in cycles = 0; set run.cycles to 1."
        )
    going_on = {"parent_run_id": first.run_id, "forked_at_cycle": 0} if shares else {}
    seeds = range(first.run.seed + 1, first.run.seed + study.replicates)
    return [first, *(_seeded(first, seed, going_on) for seed in seeds)]


def _seeded(first: RunSpec, seed: int, going_on: Mapping[str, Any]) -> RunSpec:
    run = first.run.model_copy(update={"seed": seed})
    origins = {**first.origins, "run.seed": "study"}
    spec = first.model_copy(update={"run": run, "origins": origins, **going_on})
    return spec.model_copy(update={"run_id": spec_identity(spec)})


def _number_replicates(study: StudyFile, specs: list[RunSpec]) -> list[RunSpec]:
    """Names, cells and replicate numbers; a combination that stands twice is refused."""
    met: Counter[str] = Counter()
    ids: set[str] = set()
    numbered = []
    for spec in specs:
        cell = cell_name(spec, specs, study.varied)
        if study.shared_m0 and spec.run.control is None:
            cell = f"{cell} {SHARED}"
        if spec.run_id in ids:
            raise SpecError(f"{study.path}: arms and grid give the run {cell!r} with seed {spec.run.seed} twice.")
        ids.add(spec.run_id)
        met[cell] += 1
        numbered.append(spec.model_copy(update={"cell": cell, "name": run_name(cell, spec), "replicate": met[cell]}))
    return numbered
