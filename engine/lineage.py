"""Which model starts, refers, answers and refuses at each cycle: `init`, `reference` and `rejected` made explicit.

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


def lineage(settings: RunSettings, cycle: int) -> Lineage:
    """Protocol §2, with the three choices of DPO independent of each other."""
    dpo = settings.regime == "dpo"
    if cycle == 0:
        return Lineage(0, BASE, BASE if dpo else None, None, BASE if dpo else None)
    previous = cycle - 1
    return Lineage(
        cycle=cycle,
        init=previous if settings.init == "previous" else BASE,
        reference=(previous if settings.reference == "previous" else BASE) if dpo else None,
        writer=previous,
        rejected=(max(cycle - 2, BASE) if settings.rejected == "previous" else BASE) if dpo else None,
    )
