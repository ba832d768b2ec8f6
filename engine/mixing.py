"""What a cycle is trained on: its own data, or those of earlier cycles with or in place of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.arms import seed_rows
from engine.events import Sample
from engine.keys import key
from engine.spec import RunSpec


@dataclass(frozen=True)
class Example:
    """A text to train on, in dpo with the answer that it is preferred to."""

    written: Sample
    rejected: Sample | None = None


Of = Callable[[int], list[Example]]
"""The kept examples of a cycle's own data; cycle 0's are D_seed."""


def mixed(spec: RunSpec, cycle: int, own: list[Example], of: Of) -> list[Example]:
    """The examples of a cycle's training, oldest first; picks are keyed by the run's seed and the cycle alone.

    Accumulated data hold D_seed too, as in Gerstgrasser et al. (arXiv 2404.01413).
    """
    if not spec.data.looks_back:
        return own
    if spec.data.mix == "replace":
        wanted = seed_rows(spec)
        return [*_picked(spec, cycle, of(0), wanted), *own[: spec.run.n_sampled - wanted]]
    union = [example for earlier in range(cycle) for example in of(earlier)] + own
    return union if spec.data.mix == "accumulate" else _picked(spec, cycle, union, spec.run.n_sampled)


def _picked(spec: RunSpec, cycle: int, examples: list[Example], count: int) -> list[Example]:
    places = sorted(range(len(examples)), key=lambda place: key("mix", spec.run.seed, cycle, place))
    return [examples[place] for place in sorted(places[:count])]
