"""What would decide an UNDECIDED cell: more samples a prompt, more prompts, or more replicates, and how many.

A label needs an interval that clears ±5 on one side, so a half-width below | |L| − 5 |, if L and the variances stay
what they are: t_{R−1} · √(V/R) with V = σ²_a + (σ²_ac + σ²_s·(1 + 1/J)/n)/P. Only R shrinks σ²_a, so samples and
prompts have a floor. L will not stay: a fresh cell with so many replicates decides in about three cases of four.
Source: Searle, Casella, McCulloch (1992), Variance Components, ch. 4, for V; Cochran (1977), Sampling Techniques,
ch. 10, for the cheapest of several stages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from store.intervals import t_quantile, t_quantiles
from store.statistics.components import Components
from store.statistics.core import BAND

MOST = 1000
"""More than this of anything is called none."""


@dataclass(frozen=True)
class Design:
    """What a cell has: R replicates, P prompts, n answers a prompt and cycle, J late cycles of N."""

    replicates: int
    prompts: int
    answers: float | None
    late: int
    cycles: int


@dataclass(frozen=True)
class Needed:
    """How many of each alone would decide, None where no number up to 1000 does, and the cheapest by name."""

    replicates: int | None
    prompts: int | None
    samples: int | None
    cheapest: str | None


def what_decides(l: float, deviation: float, design: Design, parts: Components | None) -> Needed:  # noqa: E741
    """How many replicates, prompts or answers a prompt would decide; `deviation` is that of the L_r."""
    distance = abs(abs(l) - BAND)
    found: dict[str, int | None] = {
        "samples": _samples(distance, deviation, design, parts),
        "prompts": _prompts(distance, deviation, design, parts),
        "replicates": _replicates(distance, deviation, design),
    }
    prices = {name: _price(name, count, design) for name, count in found.items() if count is not None}
    cheapest = min(prices, key=lambda name: prices[name]) if prices else None
    return Needed(found["replicates"], found["prompts"], found["samples"], cheapest)


def needed_replicates(deviation: float, distance: float, most: int = MOST) -> int | None:
    """The smallest n whose interval is narrower than `distance` on each side, if the deviation stays what it is."""
    counts = np.arange(2, most + 1, dtype=float)
    enough = t_quantiles(counts - 1) * deviation / np.sqrt(counts) < distance
    return int(counts[enough.argmax()]) if enough.any() else None


def decision(l: float, needed: Needed, design: Design, parts: Components | None) -> str:  # noqa: E741
    """The same in one line."""
    now = {
        "samples": f"answers a prompt (now {design.answers or 0:.3g})",
        "prompts": f"prompts (now {design.prompts})",
        "replicates": f"replicates (now {design.replicates})",
    }
    counts = {"samples": needed.samples, "prompts": needed.prompts, "replicates": needed.replicates}
    if needed.cheapest is None:
        return f"undecided: L = {l:.1f} lies too near the edge of ±{BAND:g}; more of anything is unlikely to decide"
    order = [needed.cheapest, *(name for name in counts if name != needed.cheapest)]
    ways = [f"{counts[name]} {now[name]}" for name in order if counts[name] is not None]
    text = f"undecided: about {', or '.join(ways)} would decide"
    if len(ways) > 1:
        text += ", the first at the least cost"
    never = [name for name in ("samples", "prompts") if counts[name] is None]
    if never and parts is not None:
        text += f"; more {' or '.join(never)} alone would not: {_where(parts)}"
    return text


def _where(parts: Components) -> str:
    shares = sorted(parts.shares().items(), key=lambda item: -item[1])
    return "of L's variance " + ", ".join(f"{share:.0%} is {name}" for name, share in shares)


def _floor(deviation: float, design: Design, parts: Components) -> float:
    """What of the L_r's variance neither samples nor prompts shrink, so that today's design gives at least today's."""
    return max(parts.replicates or 0.0, deviation**2 - (parts.prompts + parts.measuring) / design.prompts)


def _room(distance: float, deviation: float, design: Design, parts: Components) -> float:
    """The variance that is left for prompts and samples together, per replicate, where the label can just be given."""
    allowed = design.replicates * (distance / t_quantile(design.replicates - 1)) ** 2
    return allowed - _floor(deviation, design, parts)


def _samples(distance: float, deviation: float, design: Design, parts: Components | None) -> int | None:
    if parts is None or parts.samples is None or design.answers is None or design.replicates < 2:
        return None
    room = _room(distance, deviation, design, parts) - parts.prompts / design.prompts
    return _count(parts.samples * (1 + 1 / design.late) / design.prompts, room, math.ceil(design.answers))


def _prompts(distance: float, deviation: float, design: Design, parts: Components | None) -> int | None:
    if parts is None or design.replicates < 2:
        return None
    room = _room(distance, deviation, design, parts)
    return _count(parts.prompts + parts.measuring, room, design.prompts)


def _replicates(distance: float, deviation: float, design: Design) -> int | None:
    needed = needed_replicates(deviation, distance)
    return None if needed is None else max(needed, design.replicates + 1)


def _count(variance: float, room: float, now: int) -> int | None:
    """The smallest n above `now` with variance / n < room."""
    if room <= 0 or variance / room >= MOST:
        return None
    return max(math.floor(variance / room) + 1, now + 1)


def _price(name: str, count: int, design: Design) -> float:
    """Answers to draw and judge, a training priced as one evaluation.

    More samples are needed at M_0 and the late cycles alone; a new prompt at every generation, since a curve is over
    one set of prompts; a new replicate is a whole chain.
    """
    answers, generations, trainings = design.answers or 1.0, design.cycles + 2, design.cycles + 1
    if name == "samples":
        return design.replicates * (design.late + 1) * design.prompts * (count - answers)
    if name == "prompts":
        return design.replicates * generations * answers * (count - design.prompts)
    return (count - design.replicates) * design.prompts * answers * (generations + trainings)
