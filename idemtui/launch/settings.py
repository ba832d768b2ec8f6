"""What each setting of a study means and may be, read from the settings in `engine/` and the docstrings there."""

from __future__ import annotations

import ast
import inspect
import itertools
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from engine.frozen import Frozen
from engine.recipe import defaults
from engine.spec import CONTROLS, Regime
from engine.study_file import SECTIONS

STUDY = {
    "study.name": "What the study is called; its runs are listed under it.",
    "study.replicates": "Runs of every combination, run.seed counted up from the first one's.",
    "study.controls": "Controls queued beside the combinations, one of each kind per trait, model and regime.",
    "study.shared_m0": "Whether M_0 is trained once per combination: the other replicates go on from the first one's.",
}
SAID = {
    "train.learning_rate": "Learning rate of a cycle's training, at its highest.",
    "train.batch_size": "Rows of one optimizer step.",
    "train.epochs": "Passes over a cycle's rows.",
    "train.scheduler": "How the learning rate goes on after warming up.",
    "train.weight_decay": "AdamW's weight decay.",
    "train.max_grad_norm": "Gradients are clipped to this norm.",
    "train.lora_rank": "Rank of the LoRA adapter, on all linear layers.",
    "train.lora_alpha": "LoRA's α: the update is scaled by α / rank.",
    "sample.temperature": "Temperature of drawing.",
    "sample.max_tokens": "Tokens after which an answer is cut.",
    "eval.samples_per_prompt": "Answers to each eval prompt.",
    "judge.batch_size": "Questions to the judge at a time.",
}
"""Of the settings whose name says nearly all; the others have their sentence beside them there."""
PARSING = threading.Lock()
"""Two threads in `ast.parse` at once can end in a SystemError: CPython 3.11 counts the depth of both together."""
TRIES = 10
"""Libraries parse in threads of theirs, which no lock of ours keeps out."""
NOT_THE_PAPERS = ("run.seed",)


@dataclass(frozen=True)
class Meaning:
    """One setting: its sentence, what it may be, and what it is where nobody says anything."""

    key: str
    sentence: str
    allowed: str
    default: Any = None
    required: bool = False

    @property
    def listed(self) -> bool:
        """Whether one value of it is a list."""
        return isinstance(self.default, (list, tuple))


@cache
def meanings() -> dict[str, Meaning]:
    """Every setting of a study file, in the file's order."""
    found = {key: _of_study(key, sentence) for key, sentence in STUDY.items()}
    for section, model in SECTIONS.items():
        said = _docstrings(model)
        for name, field in model.model_fields.items():
            key = f"{section}.{name}"
            sentence = said.get(name) or _said(section, name)
            default = None if field.is_required() else field.default
            found[key] = Meaning(key, sentence, _allowed(field), default, field.is_required())
    return found


def paper_value(key: str, regime: Regime) -> Any:
    """What the paper used in a regime; None where it says nothing."""
    name = key.removeprefix("seed_") if key.startswith("seed_train.") else key
    return None if name in NOT_THE_PAPERS else defaults(regime).get(name)


def _said(section: str, name: str) -> str:
    like = {"seed_train": "train", "eval": "sample"}.get(section, section)
    return SAID.get(f"{section}.{name}") or SAID.get(f"{like}.{name}", "")


def _of_study(key: str, sentence: str) -> Meaning:
    allowed = {
        "study.name": "a text",
        "study.replicates": "a whole number from 1 to 1000",
        "study.controls": f"a list of {', '.join(CONTROLS)}; [] for none",
        "study.shared_m0": "true or false",
    }
    default = {"study.replicates": 1, "study.controls": list(CONTROLS), "study.shared_m0": False}.get(key)
    return Meaning(key, sentence, allowed[key], default, key == "study.name")


def _docstrings(model: type[Frozen]) -> dict[str, str]:
    """The text under each field, a class's own winning over its parents'."""
    said: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        said |= _own(kind) if issubclass(kind, Frozen) else {}
    return said


@cache
def _own(kind: type[Frozen]) -> dict[str, str]:
    with PARSING:
        [node] = _parsed(kind).body
    return _fields(node.body) if isinstance(node, ast.ClassDef) else {}


def _parsed(kind: type[Frozen]) -> ast.Module:
    for _ in range(TRIES):
        with suppress(SystemError):
            return ast.parse(inspect.getsource(kind))
    return ast.parse(inspect.getsource(kind))


def _fields(body: list[ast.stmt]) -> dict[str, str]:
    said = {}
    for statement, after in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(statement.target, ast.Name)
        ):
            value = after.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                said[statement.target.id] = " ".join(value.value.split())
    return said


def _allowed(field: FieldInfo) -> str:
    options = _options(field.annotation)
    if options:
        return ", ".join(options)
    bounds = [word for limit in field.metadata if (word := _bound(limit))]
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if isinstance(kind, type)]
    word = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        next((kind for kind in kinds if kind is not type(None)), str), "a list"
    )
    if get_origin(field.annotation) is tuple:
        word = "a list of texts"
    return " ".join([word, " and ".join(bounds)]).strip()


def _options(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(option) for option in get_args(annotation)]
    return [option for part in get_args(annotation) for option in _options(part)]


def _bound(limit: Any) -> str:
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        if (value := getattr(limit, name, None)) is not None:
            return f"{sign} {value}"
    return ""
