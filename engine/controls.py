"""Controls by construction (protocol §6): what each trait × model × regime of a study is measured against.

A control keeps the settings of the study's first arm of that trait, model and regime, and its first seed: one chain
each. Where the study makes a control itself, none is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.errors import SpecError
from engine.spec import Control, RunSettings
from engine.study_file import Values

ARMLESS: tuple[Control, ...] = ("resample-only", "seed-only")
"""Controls in which no generation follows from another: reset and continual would be the same."""
ARM_KEYS = ("run.init", "run.reference", "run.rejected")
MEANINGLESS = (*ARM_KEYS, "run.restart_every", "data.mix", "data.seed_fraction")

Kind = tuple[object, ...]


def control_values(combinations: Sequence[Values], controls: Iterable[Control]) -> list[Values]:
    """The stated values of the controls that a study of these combinations is owed, in their order."""
    first: dict[Kind, Values] = {}
    made = {(_kind(stated), stated.get("run.control")) for stated in combinations}
    for stated in combinations:
        if stated.get("run.control") is None:
            first.setdefault(_kind(stated), stated)
    wanted = list(controls)
    return [
        _as_control(stated, control)
        for kind, stated in first.items()
        for control in wanted
        if (kind, control) not in made
    ]


def check_control(where: str, run: RunSettings) -> None:
    """Raise SpecError for a control with settings that it has no use for."""
    if run.control not in ARMLESS:
        return
    for key in ("init", "reference", "rejected"):
        value = getattr(run, key)
        if value not in (None, "initial"):
            raise SpecError(
                f'{where}: run.control = "{run.control}" trains no generation on another, so run.{key} = "{value}" '
                'means nothing there; set it to "initial".'
            )


def _kind(stated: Values) -> Kind:
    return stated.get("run.trait"), stated.get("run.model"), stated.get("run.regime")


def _as_control(stated: Values, control: Control) -> Values:
    if control not in ARMLESS:
        return {**stated, "run.control": control}
    keys = ARM_KEYS if stated.get("run.regime") == "dpo" else ARM_KEYS[:1]
    kept = {k: value for k, value in stated.items() if k not in MEANINGLESS and not k.startswith("select.")}
    return {**kept, **dict.fromkeys(keys, "initial"), "run.control": control}
