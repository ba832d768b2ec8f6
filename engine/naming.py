"""What people call a run: its cell (settings without the seed) and its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from engine.controls import ARMLESS
from engine.spec import RunSettings, RunSpec

SPOKEN = (
    "run.trait", "run.regime", "run.init", "run.restart_every", "run.reference", "run.rejected", "run.seed", "run.kind",
    "run.model", "run.control",
)  # fmt: skip


def arm_name(run: RunSettings) -> str:
    """`reset`, `continual`, or the choices one by one where they differ; a control is called by its name."""
    if run.control in ARMLESS:
        return str(run.control)
    name = _arm(run)
    return name if run.control is None else f"{name} {run.control}"


def _arm(run: RunSettings) -> str:
    words = {"initial": "reset", "previous": "continual", "restart": f"restart@{run.restart_every}"}
    if run.regime != "dpo":
        return words[run.init]
    name = words[run.init] if run.init == run.reference else f"init={_init(run)} reference={run.reference}"
    return name if run.rejected == "initial" else f"{name} rejected={run.rejected}"


def _init(run: RunSettings) -> str:
    return run.init if run.restart_every is None else f"{run.init}@{run.restart_every}"


def cell_name(spec: RunSpec, study: Sequence[RunSpec], varied: Sequence[str]) -> str:
    """Trait, regime, arm, and whatever else the study varies."""
    parts = [spec.run.trait, spec.run.regime, arm_name(spec.run)]
    if len({other.run.model for other in study if other.run.regime == spec.run.regime}) > 1:
        parts.append(spec.run.model.rstrip("/").rsplit("/", 1)[-1])
    parts += [f"{key.split('.', 1)[1]}={_value(spec, key)}" for key in varied if key not in SPOKEN]
    return " ".join(parts)


def fork_cell(parent: RunSpec, spec: RunSpec, at: int, changed: Sequence[str]) -> str:
    """The parent's cell with the fork's regime and arm, what else was changed, and where it went its own way."""
    beginning = f"{parent.run.trait} {parent.run.regime} {arm_name(parent.run)}"
    new = [f"{key.split('.', 1)[1]}={_value(spec, key)}" for key in changed if key not in SPOKEN]
    replaced = {part.partition("=")[0] for part in new}
    kept = [part for part in parent.cell.removeprefix(beginning).split() if part.partition("=")[0] not in replaced]
    return " ".join([spec.run.trait, spec.run.regime, arm_name(spec.run), *kept, *new, f"fork@{at}"])


def run_name(cell: str, spec: RunSpec) -> str:
    """The cell as one word, with the seed."""
    word = re.sub(r"[^A-Za-z0-9._=-]+", "-", cell).strip("-")
    again = f"-again{spec.again}" if spec.again else ""
    return f"{word}-s{spec.run.seed}{again}"


def _value(spec: RunSpec, dotted: str) -> Any:
    section, _, field = dotted.partition(".")
    return getattr(getattr(spec, section), field)
