"""From stated values to one frozen run: every default filled in, every origin recorded, every impossibility refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.arms import check_arm
from engine.backends import check_backend
from engine.controls import ARMLESS, check_control
from engine.errors import ModelError, SpecError
from engine.judge_check import check_judge
from engine.model_files import check_folder, has_chat_template, snapshot
from engine.packs import Pack, open_pack
from engine.prompt_plan import check_pool
from engine.provenance import provenance
from engine.recipe import defaults, read_recipe, recipe_values
from engine.secrets import needed_secrets
from engine.seeding import check_apart, seed_rows
from engine.selecting import check_selection
from engine.spec import Execution, Origin, RunSpec, TrainSettings, spec_identity
from engine.study_file import SECTIONS, Values

REQUIRED = ("run.model", "run.trait", "run.regime")
REGIMES = ("sft", "sdf", "dpo")
Origins = dict[str, Origin]


@dataclass(frozen=True)
class Draft:
    """A run before its sections are built: what it is called in errors, and its values with their origins."""

    where: str
    study: str
    values: Values
    origins: Origins


def fill(where: str, study: str, stated: Mapping[str, Any]) -> Draft:
    """All values with their origins: study over recipe over default."""
    for key in REQUIRED:
        if not isinstance(stated.get(key), str):
            raise SpecError(f"{where}: {key} is missing; every run needs a model, a trait and a regime.")
    regime, trait, model = stated["run.regime"], stated["run.trait"], stated["run.model"]
    if regime not in REGIMES:
        raise SpecError(f"{where}: run.regime = {regime!r}; allowed: {', '.join(REGIMES)}.")
    folder = snapshot(model)
    layers: list[tuple[Origin, Mapping[str, Any]]] = [
        ("default", defaults(regime) | _model_defaults(model, folder, stated)),
        ("recipe", recipe_values(read_recipe(folder), trait, regime)),
        ("study", stated),
    ]
    values: Values = {}
    origins: Origins = {}
    for origin, layer in layers:
        for key, value in layer.items():
            values[key], origins[key] = value, origin
    _follow(values, origins, "run.reference", "run.init", regime == "dpo" and values["run.init"] != "restart")
    for field in TrainSettings.model_fields:
        _follow(values, origins, f"seed_train.{field}", f"train.{field}", field != "steps")
    return Draft(where, study, values, origins)


def _model_defaults(model: str, folder: Path | None, stated: Mapping[str, Any]) -> Values:
    """What the model itself and the pack decide where nobody says otherwise."""
    values: Values = {"run.kind": model_kind(model, folder, stated["run.regime"])}
    if stated.get("data.pack", "pocket") == "pocket" and stated.get("judge.server") is None:
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


def _follow(values: Values, origins: Origins, key: str, leader: str, wanted: bool) -> None:
    """A key that nobody set takes its leader's value, with its origin."""
    if wanted and key not in values and leader in values:
        values[key], origins[key] = values[leader], origins[leader]


def build(draft: Draft, execution: Execution, again: int = 0, **more: Any) -> RunSpec:
    """The run of a draft, checked and proved, without name and cell; `more` are fields of RunSpec."""
    spec = assemble(draft, execution, again, **more)
    _check(draft.where, spec)
    pack = open_pack(spec.data.pack)
    return spec.model_copy(update={"run_id": spec_identity(spec), "provenance": provenance(spec, pack)})


def assemble(draft: Draft, execution: Execution, again: int = 0, **more: Any) -> RunSpec:
    """The same unchecked and without its id: for a chain that ran elsewhere, whose model and rows need not be here."""
    sections: dict[str, Any] = {name: _section(draft, name, model) for name, model in SECTIONS.items()}
    judge = sections["judge"]
    check_judge(draft.where, judge)
    secrets = needed_secrets([sections["run"].model, *filter(None, [judge.local_model])], judge.key_name)
    backend: BaseModel = sections.pop("execution")
    return RunSpec(
        run_id="",
        study=draft.study,
        name="",
        cell="",
        replicate=1,
        **sections,
        execution=execution.model_copy(update={**backend.model_dump(), "secrets": secrets}),
        origins=draft.origins,
        again=again,
        **more,
    )


def _section(draft: Draft, name: str, model: type[BaseModel]) -> BaseModel:
    stated = {key.split(".", 1)[1]: value for key, value in draft.values.items() if key.startswith(f"{name}.")}
    try:
        return model.model_validate(stated, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *map(str, first["loc"])])
        if first["type"] == "missing":
            raise SpecError(f"{draft.where}: {key} is missing, and neither recipe nor default gives it.") from None
        raise SpecError(f"{draft.where}: {key} = {first['input']!r}: {first['msg']}.") from None


def _check(where: str, spec: RunSpec) -> None:
    """Refuse what cannot run."""
    _check_roles(where, spec)
    check_control(where, spec.run)
    check_arm(where, spec)
    check_backend(where, spec)
    check_selection(where, spec)
    _check_model(where, spec)
    pack = open_pack(spec.data.pack)
    run = spec.run
    pack.trait(run.trait)
    _check_traits(where, spec, pack)
    _check_seed(where, spec, pack)
    drawing = 0 if run.control in ARMLESS else run.cycles
    seeding = run.n_seed if run.control == "no-seed" and run.regime == "sdf" else 0
    check_pool(len(pack.pool(run.regime)), drawing, run.n_sampled, seeding, reuse=spec.data.reuse_prompts)


def _check_seed(where: str, spec: RunSpec, pack: Pack) -> None:
    run, rows = spec.run, seed_rows(spec, pack)
    if len(rows) < run.n_seed:
        raise SpecError(
            f"{where}: run.n_seed = {run.n_seed}, but {spec.data.seed or run.trait} has {len(rows)} {run.regime} seed "
            f"rows; allowed: 1…{len(rows)}."
        )
    if spec.data.seed is not None:
        check_apart(rows, run.trait, pack, run.regime)


def _check_traits(where: str, spec: RunSpec, pack: Pack) -> None:
    """Whether every trait that is scored off target is in the pack, another one, and named once."""
    others = spec.eval.traits
    for trait in others:
        pack.trait(trait)
    if spec.run.trait in others or len(set(others)) < len(others):
        raise SpecError(
            f"{where}: eval.traits = {list(others)!r}; allowed: traits of the pack other than {spec.run.trait}, which "
            "is scored in any case, each once."
        )


def _check_roles(where: str, spec: RunSpec) -> None:
    for key in ("reference", "rejected"):
        value = getattr(spec.run, key)
        if value is not None and spec.run.regime != "dpo":
            raise SpecError(f'{where}: run.{key} = "{value}" needs run.regime = "dpo", not "{spec.run.regime}".')


def _check_model(where: str, spec: RunSpec) -> None:
    run = spec.run
    for name in filter(None, (run.model, spec.judge.local_model)):
        place = snapshot(name)
        if place is not None:
            check_folder(name, place)
    wanted, folder = ("base" if run.regime == "sdf" else "instruct"), snapshot(run.model)
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
