"""A study text resolved: its runs, the value and origin of every setting, or one line at the setting that is wrong."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import IdemtuiError
from engine.recipe import read_recipe, recipe_values
from engine.spec import RunSpec
from engine.study import resolve_study
from idemtui.launch.settings import Meaning, meanings, paper_value
from idemtui.launch.study_text import literal, stated


@dataclass(frozen=True)
class Line:
    """One setting of the form, all in words; `values` are those that the study states."""

    meaning: Meaning
    values: tuple[str, ...]
    value: str
    origin: str
    paper: str
    recipe: str
    wrong: str = ""


@dataclass(frozen=True)
class Resolution:
    """The form of a study text, and its runs where nothing is wrong; `wrong_key` names the field of the error."""

    lines: tuple[Line, ...]
    specs: tuple[RunSpec, ...] = ()
    error: str = ""
    wrong_key: str | None = None
    own: Mapping[str, list[Any]] = field(default_factory=dict)


def resolve_text(text: str) -> Resolution:
    """The form and the runs of a text; imports no torch, and never raises for what a person wrote."""
    own: dict[str, list[Any]] = {}
    try:
        own = stated(text)
        specs = _specs(text)
    except IdemtuiError as error:
        words = str(error)
        key = key_in(words)
        return Resolution(_lines(own, (), _recipe(own), key, words), (), words, key, own)
    return Resolution(_lines(own, specs, _recipe(own), None, ""), specs, own=own)


def form_of(text: str) -> Resolution:
    """The form before anything is resolved: what the text states, at once and without looking at any model."""
    try:
        own = stated(text)
    except IdemtuiError:
        own = {}
    return Resolution(_lines(own, (), {}, None, ""), own=own)


def restated(found: Resolution, text: str) -> Resolution:
    """The form as it was resolved last with what another text states; what nobody states is not known until it is."""
    lines = zip(found.lines, form_of(text).lines, strict=True)
    now = (old if old.values == new.values else replace(new, recipe=old.recipe) for old, new in lines)
    return replace(found, lines=tuple(now))


def _specs(text: str) -> tuple[RunSpec, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(text, encoding="utf-8")
        try:
            return tuple(resolve_study(path))
        except IdemtuiError as error:
            raise type(error)(str(error).removeprefix(f"{path}: ")) from None


def key_in(message: str) -> str | None:
    """The first setting that an error names."""
    named = re.findall(r"\b(?:study|run|data|train|seed_train|sample|eval|judge)\.[a-z_0-9]+", message)
    return next((key for key in named if key in meanings()), _by_subject(message))


def _by_subject(message: str) -> str | None:
    """Errors about packs and models name no setting but what it names."""
    subjects = {"model ": "run.model", "trait ": "run.trait", "[study] name": "study.name", "seed rows": "run.n_seed"}
    return next((key for subject, key in subjects.items() if message.startswith(subject) or subject in message), None)


def _lines(
    own: Mapping[str, list[Any]],
    specs: tuple[RunSpec, ...],
    recipe: Mapping[str, Any],
    wrong: str | None,
    error: str,
) -> tuple[Line, ...]:
    regime = _first(own, "run.regime")
    return tuple(
        _line(meaning, own.get(key), specs, regime, recipe, error if key == wrong else "")
        for key, meaning in meanings().items()
    )


def _line(
    meaning: Meaning,
    values: list[Any] | None,
    specs: tuple[RunSpec, ...],
    regime: Any,
    recipe: Mapping[str, Any],
    wrong: str,
) -> Line:
    key = meaning.key
    paper = paper_value(key, regime) if regime in ("sft", "sdf", "dpo") else None
    shown = [_word(value) for value in values or ()]
    value, origin = _resolved(meaning, specs)
    if values is not None:
        value, origin = ", ".join(shown), "study"
    return Line(
        meaning=meaning,
        values=tuple(literal(value) for value in values or ()),
        value=value,
        origin=origin,
        paper=_word(paper),
        recipe=_word(recipe.get(key, recipe.get(key.removeprefix("seed_")))),
        wrong=wrong,
    )


def _resolved(meaning: Meaning, specs: tuple[RunSpec, ...]) -> tuple[str, str]:
    """What the runs say of a setting that the study leaves unset; several values where arms differ."""
    section, _, name = meaning.key.partition(".")
    if section == "study" or not specs:
        return _word(meaning.default), "" if meaning.default is None else "default"
    plain = [spec for spec in specs if spec.run.control is None] or specs
    values = list(dict.fromkeys(_word(getattr(getattr(spec, section), name)) for spec in plain))
    origin = plain[0].origins.get(meaning.key, "default" if values != [""] else "")
    return ", ".join(values), origin


def _recipe(own: Mapping[str, list[Any]]) -> Mapping[str, Any]:
    model, trait, regime = (_first(own, f"run.{name}") for name in ("model", "trait", "regime"))
    if not isinstance(model, str) or regime not in ("sft", "sdf", "dpo"):
        return {}
    from engine.model_files import snapshot

    try:
        return recipe_values(read_recipe(snapshot(model)), str(trait), regime)
    except IdemtuiError:
        return {}


def _first(own: Mapping[str, list[Any]], key: str) -> Any:
    values = own.get(key)
    return values[0] if values else None


def _word(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else literal(value)
