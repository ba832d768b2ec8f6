"""The verdict (protocol §6): the paper's rule, a chain's own interval, and a cell's label over its replicates.

A = max over j ≥ 4 of Δ_j, Δ_j = s(M_j) − s(M_0) paired by eval prompt; the paper calls a chain amplified when A ≥ 15.
L = mean over prompts of d_i, d_i = mean over j ≥ 4 of Δ_ij. A score that is null is left out by name, never averaged
in and never taken as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from store.intervals import Array, mean_or_none, needed_replicates, t_interval

LATE = 4
"""First cycle that counts."""
AMPLIFIED_AT = 15.0
BAND = 5.0
REPLICATES = 3
"""Replicates below which a cell gets no label."""

Scores = Mapping[int, Mapping[str, float | None]]
"""Mean score per cycle and prompt id; None where nothing could be parsed."""


@dataclass(frozen=True)
class Chain:
    """One finished run: `cycles` is N as planned, `name` how notes call it."""

    run_id: str
    name: str
    cycles: int
    trait: Scores
    coherence: Scores


@dataclass(frozen=True)
class Verdict:
    """One row of `verdicts`. Where `a` is null there is no verdict, and `notes` say why."""

    amplified_by_paper: bool | None = None
    a: float | None = None
    l: float | None = None  # noqa: E741 (the protocol's letter)
    ci_low: float | None = None
    ci_high: float | None = None
    label: str | None = None
    suffixes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def run_verdict(chain: Chain) -> Verdict:
    """The paper's rule and this chain's interval, t over the d_i with P − 1 degrees.

    It cannot see training noise, so a run's only label is "one chain".
    """
    late = late_deltas(chain)
    if late is None:
        return Verdict(notes=(_no_verdict(chain),))
    a = max(_column_means(late).values())
    interval = t_interval(_row_means(late))
    return Verdict(
        a >= AMPLIFIED_AT,
        a,
        interval.mean,
        interval.low,
        interval.high,
        "one chain",
        suffixes([chain]),
        missing_notes(chain),
    )


def cell_verdict(chains: Sequence[Chain]) -> Verdict:
    """The paper's rule on the replicates' mean curve, and from three replicates on a label.

    The interval is t over the L_r with R − 1 degrees: replicates are the unit, prompts and samples are not.
    """
    judged = [(chain, late) for chain in chains if (late := late_deltas(chain)) is not None]
    notes = [f"{chain.name}: {note}" for chain, _ in judged for note in missing_notes(chain)]
    notes += [f"{chain.name}: {_no_verdict(chain)}" for chain in chains if late_deltas(chain) is None]
    if not judged:
        return Verdict(notes=tuple(notes))
    a = _mean_curve_maximum([late for _, late in judged])
    interval = t_interval(np.array([float(np.mean(_row_means(late))) for _, late in judged]))
    if len(judged) < REPLICATES:
        notes.append(f"{len(judged)} replicates; a label needs {REPLICATES}")
        return Verdict(a >= AMPLIFIED_AT, a, interval.mean, notes=tuple(notes))
    low, high = interval.low, interval.high
    assert low is not None
    assert high is not None
    label = cell_label(low, high, a)
    if label == "UNDECIDED":
        notes.append(_what_would_decide(interval.mean, interval.deviation, len(judged)))
    ends = suffixes([chain for chain, _ in judged])
    return Verdict(a >= AMPLIFIED_AT, a, interval.mean, low, high, label, ends, tuple(notes))


def cell_label(low: float, high: float, a: float) -> str:
    """AMPLIFIED, ROSE, CONSTANT, DECAYED or UNDECIDED, from the cell's interval."""
    if low > BAND:
        return "AMPLIFIED" if a >= AMPLIFIED_AT else "ROSE"
    if high < -BAND:
        return "DECAYED"
    return "CONSTANT" if low > -BAND and high < BAND else "UNDECIDED"


def suffixes(chains: Sequence[Chain]) -> tuple[str, ...]:
    """DEGENERATE, CEILING and SEED-FAILED, for one chain or for the mean of a cell's."""
    found = []
    first, end = _mean_of(chains, "coherence", _at_seed), _mean_of(chains, "coherence", _at_end)
    if end is not None and (end < 50 or (first is not None and end <= first - 20)):
        found.append("DEGENERATE")
    seeded = _mean_of(chains, "trait", _at_seed)
    if seeded is not None and seeded > 85:
        found.append("CEILING")
    if _seed_failed(chains):
        found.append("SEED-FAILED")
    return tuple(found)


def deltas(chain: Chain, cycles: Sequence[int], since: int = 0) -> Array:
    """Δ of shape (prompts, cycles), paired by prompt; NaN where either score is null."""
    wanted = (since, *cycles)
    prompts = sorted({prompt for cycle in wanted for prompt in chain.trait.get(cycle, {})})
    rows = [[chain.trait.get(cycle, {}).get(prompt) for cycle in wanted] for prompt in prompts]
    scores = np.array(rows, dtype=float).reshape(len(prompts), len(wanted))
    paired: Array = scores[:, 1:] - scores[:, :1]
    return paired


def late_deltas(chain: Chain) -> Array | None:
    """Δ_ij for j = 4…N of the prompts that have any; None where there is no verdict."""
    if chain.cycles < LATE:
        return None
    late = deltas(chain, range(LATE, chain.cycles + 1))
    late = late[~np.isnan(late).all(axis=1)]
    return late if late.size else None


def missing_notes(chain: Chain) -> tuple[str, ...]:
    """What the numbers leave out: cycles that are missing or all null, and prompts without a score."""
    cycles = (0, *range(LATE, chain.cycles + 1))
    prompts = {prompt for cycle in cycles for prompt in chain.trait.get(cycle, {})}
    notes = []
    for cycle in cycles:
        scores = chain.trait.get(cycle)
        held = sum(value is not None for value in (scores or {}).values())
        if scores is None:
            notes.append(f"cycle {cycle} is missing")
        elif not held:
            notes.append(f"cycle {cycle} has no trait score")
        elif held < len(prompts):
            notes.append(f"cycle {cycle}: {len(prompts) - held} of {len(prompts)} prompts without a trait score")
    return tuple(notes)


def _no_verdict(chain: Chain) -> str:
    if chain.cycles < LATE:
        return f"no verdict: {chain.cycles} cycles, {LATE} are needed"
    return "no verdict: " + ("; ".join(missing_notes(chain)) or "no prompt is scored both at cycle 0 and late")


def _column_means(late: Array) -> dict[int, float]:
    """Δ_j per late cycle that has any score."""
    columns = {LATE + j: late[:, j] for j in range(late.shape[1])}
    return {cycle: float(np.nanmean(column)) for cycle, column in columns.items() if not np.isnan(column).all()}


def _row_means(late: Array) -> Array:
    """d_i per prompt."""
    means: Array = np.nanmean(late, axis=1)
    return means


def _mean_curve_maximum(lates: Sequence[Array]) -> float:
    curves = [_column_means(late) for late in lates]
    cycles = {cycle for curve in curves for cycle in curve}
    return max(float(np.mean([curve[cycle] for curve in curves if cycle in curve])) for cycle in cycles)


def _seed_failed(chains: Sequence[Chain]) -> bool:
    """Whether the 90 % interval of s(M_0) − s_init includes 0: over prompts for a chain, over replicates for a cell."""
    gains = [gain[~np.isnan(gain)] for gain in (deltas(chain, (0,), since=-1)[:, 0] for chain in chains)]
    gains = [gain for gain in gains if gain.size]
    if not gains:
        return False
    interval = t_interval(gains[0] if len(chains) == 1 else np.array([float(gain.mean()) for gain in gains]))
    return interval.low is not None and interval.high is not None and interval.low <= 0 <= interval.high


def _at_seed(scores: Scores) -> float | None:
    return mean_or_none(scores.get(0, {}).values())


def _at_end(scores: Scores) -> float | None:
    held = [cycle for cycle in scores if cycle >= 0 and mean_or_none(scores[cycle].values()) is not None]
    return mean_or_none(scores[max(held)].values()) if held else None


def _mean_of(chains: Sequence[Chain], metric: str, of: object) -> float | None:
    assert callable(of)
    return mean_or_none(of(chain.trait if metric == "trait" else chain.coherence) for chain in chains)


def _what_would_decide(mean: float, deviation: float, replicates: int) -> str:
    distance = abs(abs(mean) - BAND)
    needed = needed_replicates(deviation, distance)
    if needed is None:
        return f"undecided: L lies on the edge of ±{BAND:g}; more replicates are unlikely to decide"
    return f"undecided: about {max(needed, replicates + 1)} replicates would decide (now {replicates})"
