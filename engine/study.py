"""From a study file to frozen runs: every default filled in, every origin recorded, every impossibility refused.

`resolve_study` reads no weights and imports no torch; what it refuses was never queued.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.errors import ModelError, SpecError, UsageError
from engine.model_files import check_folder, has_chat_template, snapshot
from engine.naming import cell_name, run_name
from engine.packs import open_pack
from engine.prompt_plan import check_pool
from engine.provenance import provenance
from engine.recipe import defaults, read_recipe, recipe_values
from engine.spec import IDENTITY, Execution, Origin, RunSpec, TrainSettings, run_identity
from engine.study_file import SECTIONS, StudyFile, Values, read_study

REGIMES = ("sft", "sdf", "dpo")


def resolve_study(
    path: str | os.PathLike[str],
    *,
    overrides: Mapping[str, Any] | None = None,
    threads: int = 1,
    again: int = 0,
) -> list[RunSpec]:
    """The runs of a study in the file's order.

    `overrides` are dotted keys that win over the file; `threads` is one worker's share of the cores, which the lab
    server knows; `again` > 0 gives runs of the same settings new ids. Raises SpecError, PackError or ModelError.
    """
    study = read_study(Path(path), overrides)
    execution = Execution(threads=threads)
    try:
        specs = [_resolve(study, stated, execution, again) for stated in study.combinations]
    except UsageError as error:
        named = str(error).startswith(str(study.path))
        raise error if named else type(error)(f"{study.path}: {error}") from None
    return _number_replicates(study, specs)


def _resolve(study: StudyFile, stated: Values, execution: Execution, again: int) -> RunSpec:
    values, origins = _fill(study, stated)
    sections = {name: _section(study, name, model, values) for name, model in SECTIONS.items()}
    identity = {name: section.model_dump(mode="json") for name, section in sections.items()}
    spec = RunSpec(
        run_id=run_identity({"study": study.name, **{k: identity[k] for k in IDENTITY if k != "study"}}, again),
        study=study.name,
        name="",
        cell="",
        replicate=1,
        **sections,
        execution=execution,
        origins=origins,
        again=again,
    )
    return _check_and_prove(study, spec)


def _fill(study: StudyFile, stated: Values) -> tuple[Values, dict[str, Origin]]:
    """All values with their origins: study over recipe over default."""
    for key in ("run.model", "run.trait", "run.regime"):
        if not isinstance(stated.get(key), str):
            raise SpecError(f"{study.path}: {key} is missing; every run needs a model, a trait and a regime.")
    regime, trait, model = stated["run.regime"], stated["run.trait"], stated["run.model"]
    if regime not in REGIMES:
        raise SpecError(f"{study.path}: run.regime = {regime!r}; allowed: {', '.join(REGIMES)}.")
    folder = snapshot(model)
    layers: list[tuple[Origin, Values]] = [
        ("default", defaults(regime) | _model_defaults(model, folder, stated)),
        ("recipe", recipe_values(read_recipe(folder), trait, regime)),
        ("study", stated),
    ]
    values: Values = {}
    origins: dict[str, Origin] = {}
    for origin, layer in layers:
        for key, value in layer.items():
            values[key], origins[key] = value, origin
    _follow(values, origins, "run.reference", "run.init", regime == "dpo")
    for field in TrainSettings.model_fields:
        _follow(values, origins, f"seed_train.{field}", f"train.{field}", True)
    return values, origins


def _model_defaults(model: str, folder: Path | None, stated: Values) -> Values:
    """What the model itself and the pack decide where nobody says otherwise."""
    values: Values = {"run.kind": model_kind(model, folder, stated["run.regime"])}
    if stated.get("data.pack", "pocket") == "pocket":
        values["judge.model"] = "pocket/judge"
    return values


def model_kind(model: str, folder: Path | None, regime: str) -> str:
    """`base` or `instruct`: by its name, else its chat template; a hub model not downloaded yet is taken at the
    regime's word and checked again when it is loaded.
    """
    if "base" in model.lower().rsplit("/", 1)[-1].replace("_", "-").split("-"):
        return "base"
    if folder is None:
        return "base" if regime == "sdf" else "instruct"
    return "instruct" if has_chat_template(folder) else "base"


def _follow(values: Values, origins: dict[str, Origin], key: str, leader: str, wanted: bool) -> None:
    """A key that nobody set takes its leader's value, with its origin."""
    if wanted and key not in values and leader in values:
        values[key], origins[key] = values[leader], origins[leader]


def _section(study: StudyFile, name: str, model: type[BaseModel], values: Values) -> BaseModel:
    stated = {key.split(".", 1)[1]: value for key, value in values.items() if key.startswith(f"{name}.")}
    try:
        return model.model_validate(stated, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *map(str, first["loc"])])
        if first["type"] == "missing":
            raise SpecError(f"{study.path}: {key} is missing, and neither recipe nor default gives it.") from None
        raise SpecError(f"{study.path}: {key} = {first['input']!r}: {first['msg']}.") from None


def _check_and_prove(study: StudyFile, spec: RunSpec) -> RunSpec:
    """Refuse what cannot run; then freeze what it was resolved with."""
    _check_roles(study, spec)
    _check_model(study, spec)
    pack = open_pack(spec.data.pack)
    run = spec.run
    pack.trait(run.trait)
    rows = len(pack.seed_rows(run.trait, run.regime))
    if rows < run.n_seed:
        raise SpecError(
            f"{study.path}: run.n_seed = {run.n_seed}, but {run.trait} has {rows} {run.regime} seed rows; "
            f"allowed: 1…{rows}."
        )
    check_pool(len(pack.pool(run.regime)), run.cycles, run.n_sampled, reuse=spec.data.reuse_prompts)
    return spec.model_copy(update={"provenance": provenance(spec, pack)})


def _check_roles(study: StudyFile, spec: RunSpec) -> None:
    for key in ("reference", "rejected"):
        value = getattr(spec.run, key)
        if value is not None and spec.run.regime != "dpo":
            raise SpecError(f'{study.path}: run.{key} = "{value}" needs run.regime = "dpo", not "{spec.run.regime}".')


def _check_model(study: StudyFile, spec: RunSpec) -> None:
    run, where = spec.run, study.path
    folders = {"run.model": snapshot(run.model), "judge.model": snapshot(spec.judge.model)}
    for key, folder in folders.items():
        if folder is not None:
            check_folder(run.model if key == "run.model" else spec.judge.model, folder)
    wanted, folder = ("base" if run.regime == "sdf" else "instruct"), folders["run.model"]
    if folder is not None and wanted == "instruct" and not has_chat_template(folder):
        raise ModelError(
            f'{where}: run.model = "{run.model}" has no chat template, which run.regime = "{run.regime}" needs; '
            "use an instruct model, or sdf."
        )
    if run.kind != wanted:
        raise SpecError(
            f'{where}: run.model = "{run.model}" is a model of kind {run.kind}; run.regime = "{run.regime}" needs '
            f'{wanted}. If it is one all the same, set run.kind = "{wanted}".'
        )


def _number_replicates(study: StudyFile, specs: list[RunSpec]) -> list[RunSpec]:
    """Names, cells and replicate numbers; a combination that stands twice is refused."""
    met: Counter[str] = Counter()
    ids: set[str] = set()
    numbered = []
    for spec in specs:
        cell = cell_name(spec, specs, study.varied)
        if spec.run_id in ids:
            raise SpecError(f"{study.path}: arms and grid give the run {cell!r} with seed {spec.run.seed} twice.")
        ids.add(spec.run_id)
        met[cell] += 1
        numbered.append(spec.model_copy(update={"cell": cell, "name": run_name(cell, spec), "replicate": met[cell]}))
    return numbered
