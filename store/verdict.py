"""The verdict (protocol §6): the paper's rule, a chain's own interval, and a cell's label over its replicates.

A = max over j ≥ 4 of Δ_j, Δ_j = s(M_j) − s(M_0) paired by eval prompt; the paper calls a chain amplified when A ≥ 15.
L = mean over prompts of d_i, d_i = mean over j ≥ 4 of Δ_ij. A score that is null is left out by name, never averaged
in and never taken as 0. The arithmetic is `store.statistics.core`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from store.intervals import Array, p_above, p_different, t_interval
from store.statistics.bootstrap import bootstrap_interval, key_of
from store.statistics.chain import Chain, counted_cycles, draws_of, late_deltas, scores_of
from store.statistics.components import Components, cell_components, chain_components
from store.statistics.core import AMPLIFIED_AT, BAND, judge_cells, judge_chains, labels, replicate_drifts
from store.statistics.deciding import Design, Needed, decision, what_decides
from store.statistics.missing import cell_notes, missing_notes, mixed_judges, no_verdict
from store.statistics.suffixes import suffixes

REPLICATES = 3
"""Replicates below which a cell gets no interval and no label."""
BOOTSTRAPPED = 10
"""Replicates from which a bootstrap stands beside the interval."""


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
    judged: int = 1
    """Replicates that the numbers are made of."""
    bootstrap: tuple[float, float] | None = None
    p_drift: float | None = None
    """Two-sided, of "L is 0"."""
    p_above: float | None = None
    """One-sided, of "L is not above 5", which AMPLIFIED and ROSE refuse."""
    components: Components | None = None
    needed: Needed | None = None


def run_verdict(chain: Chain) -> Verdict:
    """The paper's rule and this chain's interval, t over the d_i with P − 1 degrees.

    It cannot see training noise, so a run's only label is "one chain".
    """
    why = no_verdict(chain)
    if why is not None:
        return Verdict(notes=(why,), judged=0, suffixes=suffixes([chain]) if _collapsed(chain) else ())
    [deltas] = late_deltas([chain])
    found = judge_chains(deltas)
    a = float(found.a)
    return Verdict(
        amplified_by_paper=a >= AMPLIFIED_AT,
        a=a,
        l=float(found.l),
        ci_low=_held(found.low),
        ci_high=_held(found.high),
        label="one chain",
        suffixes=suffixes([chain]),
        notes=missing_notes(chain),
        components=chain_components(*(part[0] for part in _parts([chain]))),
    )


def cell_verdict(chains: Sequence[Chain]) -> Verdict:
    """The paper's rule on the replicates' mean curve, and from three replicates on a label.

    The interval is t over the L_r with R − 1 degrees: replicates are the unit, prompts and samples are not.
    """
    judged = [chain for chain in chains if no_verdict(chain) is None]
    left_out = [f"{chain.name}: {why}" for chain in chains if (why := no_verdict(chain)) is not None]
    mixed = mixed_judges(judged)
    if not judged or mixed:
        return Verdict(notes=(*left_out, *([f"no verdict: {mixed}"] if mixed else [])), judged=0)
    notes = [*cell_notes(judged), *left_out]
    found = judge_cells(late_deltas(judged))
    a, l = float(found.a), float(found.l)  # noqa: E741
    if len(judged) < REPLICATES:
        count = "1 replicate" if len(judged) == 1 else f"{len(judged)} replicates"
        notes.append(f"{count}; an interval and a label need {REPLICATES}")
        return Verdict(a >= AMPLIFIED_AT, a, l, notes=tuple(notes), judged=len(judged))
    ends = suffixes([chain for chain in chains if chain in judged or _collapsed(chain)])
    return _labelled(judged, a, (float(found.low), float(found.high)), ends, notes)


def _labelled(
    chains: Sequence[Chain], a: float, interval: tuple[float, float], ends: tuple[str, ...], notes: list[str]
) -> Verdict:
    drifts = replicate_drifts(late_deltas(chains))
    over = t_interval(drifts)
    label = cell_label(*interval, a)
    scores, draws = _parts(chains)
    parts = cell_components(scores, draws)
    needed = None
    if label == "UNDECIDED":
        design = _design(chains, scores, parts)
        needed = what_decides(over.mean, over.deviation, design, parts)
        notes = [*notes, decision(over.mean, needed, design, parts)]
    return Verdict(
        amplified_by_paper=a >= AMPLIFIED_AT,
        a=a,
        l=over.mean,
        ci_low=interval[0],
        ci_high=interval[1],
        label=label,
        suffixes=ends,
        notes=tuple(notes),
        judged=len(chains),
        bootstrap=_bootstrap(chains, draws),
        p_drift=p_different(drifts),
        p_above=p_above(drifts, BAND),
        components=parts,
        needed=needed,
    )


def cell_label(low: float, high: float, a: float) -> str:
    """AMPLIFIED, ROSE, CONSTANT, DECAYED or UNDECIDED, from the cell's interval."""
    return str(labels(np.array(low), np.array(high), np.array(a)))


def _parts(chains: Sequence[Chain]) -> tuple[Array, Array]:
    """Prompt means and single answers at M_0 and the late cycles."""
    cycles = counted_cycles(chains)
    return scores_of(chains, cycles), draws_of(chains, cycles)


def _design(chains: Sequence[Chain], scores: Array, parts: Components | None) -> Design:
    prompts, late = scores.shape[1], scores.shape[2] - 1
    if parts is not None:
        prompts = parts.prompt_count
    answers = parts.answers if parts is not None else None
    return Design(len(chains), prompts, answers, late, max(chain.cycles for chain in chains))


def _bootstrap(chains: Sequence[Chain], draws: Array) -> tuple[float, float] | None:
    """None below ten replicates, and where a replicate's single answers are not known."""
    if len(chains) < BOOTSTRAPPED or not all(chain.draws for chain in chains):
        return None
    return bootstrap_interval(draws, key_of(chain.run_id for chain in chains))


def _collapsed(chain: Chain) -> bool:
    """Whether a chain of enough cycles has no late trait score although it was measured there."""
    late = [score for cycle in chain.late for score in chain.trait.get(cycle, {}).values()]
    return bool(late) and all(score is None for score in late)


def _held(bound: Array) -> float | None:
    return None if np.isnan(bound) else float(bound)
