"""Print two tables of docs/simulation.md: `python -m tests.store.statistics.planted_table [CELLS] [ADVISED]`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from store.statistics.bootstrap import bootstrap_interval
from store.statistics.deciding import Needed
from store.verdict import cell_verdict
from tests.store.statistics import by_hand
from tests.store.statistics.planted import Size, Truth, as_chains, cell, half_width, late_means

BOOTSTRAPPED = (Truth(8, 1, 3, 0), Truth(5, 3, 15, 0), Truth(1, 8, 25, 0))
TEN = Size(10, 12, 4)
ADVISED = (
    (Truth(6, 6, 15, 10), Size(5, 12, 10)),
    (Truth(1, 10, 30, 8), Size(8, 12, 5)),
    (Truth(3, 3, 10, 0), Size(3, 12, 10)),
)
MOST = 60
"""What is told beyond this is not tried."""


@dataclass
class Tried:
    """Fresh cells of the size that undecided ones were told: their half-widths over the promised one."""

    widths: list[float] = field(default_factory=list)
    decided: list[bool] = field(default_factory=list)


def grown(size: Size, needed: Needed) -> Mapping[str, Size]:
    """The designs that each of the three numbers alone would make."""
    told = {
        "replicates": needed.replicates and Size(needed.replicates, size.prompts, size.answers),
        "prompts": needed.prompts and Size(size.replicates, needed.prompts, size.answers),
        "samples": needed.samples and Size(size.replicates, size.prompts, needed.samples),
    }
    return {name: new for name, new in told.items() if new and max(new.replicates, new.prompts, new.answers) <= MOST}


def tried(truth: Truth, size: Size, count: int, kinds: Sequence[str], seed: int = 7) -> Mapping[str, Tried]:
    """Of `count` cells the undecided ones: each that was told a number of a kind is made anew with it."""
    random, found = np.random.default_rng(seed), defaultdict[str, Tried](Tried)
    for _ in range(count):
        verdict = cell_verdict(as_chains(cell(truth, size, random)))
        if verdict.needed is None or verdict.l is None:
            continue
        for name, new in grown(size, verdict.needed).items():
            if name not in kinds:
                continue
            fresh = cell(truth, new, random)
            late, width = late_means(fresh).mean(), half_width(fresh, by_hand.t_quantile(0.95, new.replicates - 1))
            found[name].widths.append(width / abs(abs(verdict.l) - 5))
            found[name].decided.append(by_hand.label(late - width, late + width, 0) != "UNDECIDED")
    return found


def beside_t(truth: Truth, size: Size, count: int, seed: int = 1) -> tuple[float, float, float]:
    """How often the bootstrap and t cover the drift in the same cells, and how much wider the bootstrap is."""
    random, t = np.random.default_rng(seed), by_hand.t_quantile(0.95, size.replicates - 1)
    rows = []
    for key in range(count):
        scores = cell(truth, size, random)
        low, high = bootstrap_interval(scores, key)
        width = half_width(scores, t)
        off = abs(late_means(scores).mean() - truth.drift)
        rows.append((low <= truth.drift <= high, off <= width, (high - low) / 2 / width))
    boot, student, ratio = np.array(rows, dtype=float).mean(axis=0)
    return float(boot), float(student), float(ratio)


def main(count: int = 500, advised: int = 400) -> None:
    """Write the tables to stdout."""
    sys.stdout.write(f"{count} cells of {TEN}\n\n")
    for truth in BOOTSTRAPPED:
        boot, student, ratio = beside_t(truth, TEN, count)
        sys.stdout.write(f"| {words(truth)} | {100 * boot:.1f} | {100 * student:.1f} | {ratio:.2f} |\n")
        sys.stdout.flush()
    sys.stdout.write(f"\nundecided ones of {advised} cells\n\n")
    for truth, size in ADVISED:
        for name, one in sorted(tried(truth, size, advised, ("replicates", "prompts", "samples")).items()):
            low, middle, high = np.quantile(one.widths, [0.25, 0.5, 0.75])
            place = f"{words(truth)} | {size.replicates} × {size.prompts} × {size.answers} | {name} | {len(one.widths)}"
            sys.stdout.write(f"| {place} | {middle:.2f} ({low:.2f}–{high:.2f}) | {100 * np.mean(one.decided):.0f} |\n")


def words(truth: Truth) -> str:
    """Its deviations, and its drift."""
    return f"{truth.replicates:g} / {truth.prompts:g} / {truth.answers:g} | {truth.drift:g}"


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
