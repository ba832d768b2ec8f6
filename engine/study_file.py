"""A study file as written: TOML read, every key known, arms and grid spread into combinations of stated values.

    [study]   name, controls, replicates, shared_m0: how many runs beside and of each combination
    [run] [data] [train] [seed_train] [sample] [eval] [judge] [select] [execution]   settings
    [grid]    "run.seed" = [1, 2]       every combination becomes a run
    [[arms]]  "run.regime" = "dpo"      each arm is combined with every combination of the grid

Nothing is filled in here (`engine.study` does that); every error names file, key, value and what is allowed.
"""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import SpecError
from engine.frozen import Frozen
from engine.select_settings import SelectSettings
from engine.spec import (
    CONTROLS,
    Backend,
    Control,
    DataSettings,
    DrawSettings,
    EvalSettings,
    JudgeSettings,
    RunSettings,
    TrainSettings,
)

SECTIONS: dict[str, type[Frozen]] = {
    "run": RunSettings,
    "data": DataSettings,
    "train": TrainSettings,
    "seed_train": TrainSettings,
    "sample": DrawSettings,
    "eval": EvalSettings,
    "judge": JudgeSettings,
    "select": SelectSettings,
    "execution": Backend,
}

STUDY_KEYS = ("name", "controls", "replicates", "shared_m0")

MOST_REPLICATES = 1000

Values = dict[str, Any]
"""Stated values by dotted key, e.g. {"run.seed": 1}."""


@dataclass(frozen=True)
class StudyFile:
    """What a study file states: one mapping of dotted keys per run, in the file's order."""

    path: Path
    name: str
    combinations: list[Values]
    varied: tuple[str, ...]
    """Keys that arms or grid set, in order: what tells the runs apart."""
    controls: tuple[Control, ...] = CONTROLS
    """Which controls are queued beside the combinations."""
    replicates: int = 1
    """Runs of every combination, run.seed counted up from the first one's."""
    shared_m0: bool = False
    """Whether M_0 is trained once per combination: by its first replicate, from which the others go on."""


def read_study(path: Path, overrides: Mapping[str, Any] | None = None) -> StudyFile:
    """Read and spread a study file; `overrides` (dotted keys) win over everything in it."""
    raw = _read_toml(path)
    section = _study_section(path, raw.pop("study", None))
    grid, arms = raw.pop("grid", None), raw.pop("arms", None)
    stated = _sections(path, raw)
    points = _grid(path, grid)
    armed = _arms(path, arms)
    combinations = [_placed(path, {**stated, **arm, **point, **(overrides or {})}) for arm in armed for point in points]
    varied = tuple(dict.fromkeys(key for arm in armed for key in arm)) + tuple(points[0])
    return StudyFile(
        path=path,
        name=section["name"].strip(),
        combinations=combinations,
        varied=tuple(dict.fromkeys(varied)),
        controls=_controls(path, section),
        replicates=_replicates(path, section, varied),
        shared_m0=_shared(path, section),
    )


def _placed(path: Path, stated: Values) -> Values:
    """A seed file is named as seen from the study's folder; a worker reads it from wherever it runs."""
    named = stated.get("data.seed")
    if not isinstance(named, str):
        return stated
    return {**stated, "data.seed": str((path.parent / Path(named).expanduser()).absolute())}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file; give the path of a study file (TOML).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: not TOML: {error}.") from None


def _study_section(path: Path, section: object) -> dict[str, Any]:
    if not isinstance(section, dict) or not isinstance(section.get("name"), str) or not section["name"].strip():
        raise SpecError(f'{path}: [study] name is missing; write [study] and name = "…".')
    for key in section:
        if key not in STUDY_KEYS:
            raise SpecError(f"{path}: unknown key study.{key}; allowed: {_allowed(key, STUDY_KEYS)}.")
    return section


def _controls(path: Path, section: Mapping[str, Any]) -> tuple[Control, ...]:
    wanted = section.get("controls", list(CONTROLS))
    if not isinstance(wanted, list) or not all(control in CONTROLS for control in wanted):
        allowed = ", ".join(f'"{control}"' for control in CONTROLS)
        raise SpecError(f"{path}: study.controls = {wanted!r}; allowed: a list of {allowed}; [] for none.")
    return tuple(dict.fromkeys(wanted))


def _replicates(path: Path, section: Mapping[str, Any], varied: Iterable[str]) -> int:
    count = section.get("replicates", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_REPLICATES:
        raise SpecError(f"{path}: study.replicates = {count!r}; allowed: a whole number from 1 to {MOST_REPLICATES}.")
    if count > 1 and "run.seed" in varied:
        raise SpecError(
            f"{path}: study.replicates = {count} counts run.seed up by itself; remove run.seed from [grid] and "
            "[[arms]], or replicates."
        )
    return count


def _shared(path: Path, section: Mapping[str, Any]) -> bool:
    shared = section.get("shared_m0", False)
    if not isinstance(shared, bool):
        raise SpecError(f"{path}: study.shared_m0 = {shared!r}; allowed: true, false.")
    if shared and section.get("replicates", 1) == 1:
        raise SpecError(f"{path}: study.shared_m0 = true needs runs that share M_0; set study.replicates to 2 or more.")
    return shared


def _sections(path: Path, raw: Mapping[str, Any]) -> Values:
    stated: Values = {}
    for section, keys in raw.items():
        if section not in SECTIONS:
            raise SpecError(f"{path}: unknown section [{section}]; allowed: {_allowed(section, _section_names())}.")
        if not isinstance(keys, dict):
            raise SpecError(f"{path}: {section} = {keys!r} must be a section, [{section}].")
        for key, value in keys.items():
            _known_key(path, f"{section}.{key}")
            stated[f"{section}.{key}"] = value
    return stated


def _grid(path: Path, grid: object) -> list[Values]:
    if grid is None:
        return [{}]
    if not isinstance(grid, dict) or not grid:
        raise SpecError(f'{path}: [grid] is empty; give at least one key, as "run.seed" = [1, 2, 3], or remove it.')
    for key, values in grid.items():
        _known_key(path, key)
        if not isinstance(values, list) or not values:
            raise SpecError(f'{path}: grid key "{key}" = {values!r}; allowed: a list of at least one value.')
    return [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]


def _arms(path: Path, arms: object) -> list[Values]:
    if arms is None:
        return [{}]
    if not isinstance(arms, list) or not arms or not all(isinstance(arm, dict) and arm for arm in arms):
        raise SpecError(f'{path}: [[arms]] must be tables of dotted keys, as "run.regime" = "dpo"; got {arms!r}.')
    for arm in arms:
        for key in arm:
            _known_key(path, key)
    return [dict(arm) for arm in arms]


def _known_key(path: Path, dotted: str) -> None:
    section, _, key = dotted.partition(".")
    known = [f"{name}.{field}" for name, model in SECTIONS.items() for field in model.model_fields]
    if dotted in known:
        return
    fields = (
        [f"{section}.{field}" for field in SECTIONS[section].model_fields] if section in SECTIONS and key else known
    )
    raise SpecError(f"{path}: unknown key {dotted}; allowed: {_allowed(dotted, fields, known)}.")


def _allowed(wrong: str, allowed: Iterable[str], everywhere: Iterable[str] = ()) -> str:
    names = list(allowed)
    near = difflib.get_close_matches(wrong, [*names, *everywhere], n=1, cutoff=0.6)
    text = ", ".join(names)
    return f"{text}; did you mean {near[0]}?" if near else text


def _section_names() -> list[str]:
    return ["study", *SECTIONS, "grid", "arms"]
