"""What a verdict's numbers leave out, in words: nothing is averaged away in silence, nothing unscored counts as 0."""

from __future__ import annotations

from collections.abc import Sequence

from store.statistics.chain import LATE, Chain, counted_cycles, prompts_of, scored_prompts


def missing_notes(chain: Chain) -> tuple[str, ...]:
    """Cycles that are missing or all null (and whether the answers were empty), prompts without a score."""
    cycles = counted_cycles([chain])
    prompts = prompts_of(chain, cycles)
    notes = []
    for cycle in cycles:
        scores = chain.trait.get(cycle)
        held = sum(value is not None for value in (scores or {}).values())
        if scores is None:
            notes.append(f"cycle {cycle} is missing")
        elif not held:
            notes.append(f"cycle {cycle} has no trait score{_empties(chain, cycle)}")
        elif held < len(prompts):
            left = f"{len(prompts) - held} of {len(prompts)} prompts without a trait score"
            notes.append(f"cycle {cycle}: {left}{_empties(chain, cycle)}")
    return tuple(notes)


def _empties(chain: Chain, cycle: int) -> str:
    empty, answers = chain.empties.get(cycle, (0, 0))
    return f" ({empty} of {answers} answers are empty)" if empty else ""


def no_verdict(chain: Chain) -> str | None:
    """Why a chain gets no verdict; None where it gets one."""
    if chain.cycles < LATE:
        return f"no verdict: {chain.cycles} cycles, {LATE} are needed"
    mixed = mixed_judges([chain])
    if mixed:
        return f"no verdict: {mixed}"
    if not scored_prompts(chain):
        return "no verdict: " + ("; ".join(missing_notes(chain)) or "no prompt is scored both at cycle 0 and late")
    return None


def mixed_judges(chains: Sequence[Chain]) -> str | None:
    """Who scored what, where the cycles that count were not all scored by one judge; scores of two are no one scale."""
    by_judge: dict[str, list[str]] = {}
    several = len(chains) > 1
    for chain in chains:
        for cycle in counted_cycles([chain]):
            if cycle in chain.judges:
                where = chain.name if several else f"cycle {cycle}"
                by_judge.setdefault(chain.judges[cycle], []).append(where)
    if len(by_judge) < 2:
        return None
    told = "; ".join(f"{judge} scored {', '.join(dict.fromkeys(places))}" for judge, places in by_judge.items())
    return f"scores of {len(by_judge)} judges are not averaged: {told}"


def cell_notes(chains: Sequence[Chain]) -> list[str]:
    """What the replicates that are judged do not share, and what they share and should not."""
    notes = [f"{chain.name}: {note}" for chain in chains for note in missing_notes(chain)]
    prompts = set().union(*(scored_prompts(chain) for chain in chains))
    lacking = {chain.name: len(prompts) - len(scored_prompts(chain)) for chain in chains}
    told = [f"{name} lacks {count}" for name, count in lacking.items() if count]
    if told:
        notes.append(f"unequal prompts: of {len(prompts)}, {', '.join(told)}; each L is over its own prompts")
    if len(chains) > 1 and all(chain.trait.get(0) == chains[0].trait.get(0) for chain in chains):
        notes.append("the replicates share one M0: the interval speaks of chains from this M0 alone")
    return notes
