"""Which model starts, refers, answers, refuses and is measured at each cycle: the arms and controls made explicit.

Cycles are numbers: −1 is M_init (base), 0 the seeded model M_0, j the model after cycle j.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.spec import RunSettings

BASE = -1


def model_name(cycle: int) -> str:
    """`M_init` or `M_<cycle>`."""
    return "M_init" if cycle == BASE else f"M_{cycle}"


@dataclass(frozen=True)
class Lineage:
    """The models that take part in making M_`cycle`, by their cycle; None where a role does not exist."""

    cycle: int
    init: int
    reference: int | None
    writer: int | None
    """Who wrote the training data (chosen, in dpo); None for the seed data."""
    rejected: int | None
    seeding: bool = False
    """Whether it is trained as M_0 is: on the seed prompts, by `[seed_train]`."""


def lineage(settings: RunSettings, cycle: int) -> Lineage | None:
    """Protocol §2, with the three choices of DPO independent of each other, and §6's controls.

    None where no training makes M_`cycle`: at M_init, and at every cycle of resample-only.
    """
    dpo = settings.regime == "dpo"
    if cycle == BASE or (cycle > 0 and settings.control == "resample-only"):
        return None
    if cycle == 0 or settings.control == "seed-only":
        writer = BASE if settings.control == "no-seed" else None
        return Lineage(cycle, BASE, BASE if dpo else None, writer, BASE if dpo else None, seeding=True)
    previous = cycle - 1
    return Lineage(
        cycle=cycle,
        init=BASE if _starts_anew(settings, cycle) else previous,
        reference=(previous if settings.reference == "previous" else BASE) if dpo else None,
        writer=previous,
        rejected=(max(cycle - 2, BASE) if settings.rejected == "previous" else BASE) if dpo else None,
    )


def _starts_anew(settings: RunSettings, cycle: int) -> bool:
    every = settings.restart_every
    return settings.init == "initial" or (every is not None and cycle % every == 0)


def measured(settings: RunSettings, cycle: int) -> int:
    """The model that is measured as generation `cycle`: itself, but M_0 again and again in resample-only."""
    return min(cycle, 0) if settings.control == "resample-only" else cycle
