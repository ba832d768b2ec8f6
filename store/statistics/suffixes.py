"""DEGENERATE, CEILING and SEED-FAILED: what a label has to be read with (protocol §6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from store.intervals import mean_of, mean_or_none, t_interval
from store.statistics.chain import Chain, Scores, scores_of
from store.statistics.core import paired

INCOHERENT, LOST, CEILING = 50.0, 20.0, 85.0


def suffixes(chains: Sequence[Chain]) -> tuple[str, ...]:
    """The suffixes of one chain, or of the mean of a cell's."""
    found = []
    first = mean_or_none(_at_seed(chain.coherence) for chain in chains)
    end = mean_or_none(_at_end(chain.coherence) for chain in chains)
    if end is not None and (end < INCOHERENT or (first is not None and end <= first - LOST)):
        found.append("DEGENERATE")
    seeded = mean_or_none(_at_seed(chain.trait) for chain in chains)
    if seeded is not None and seeded > CEILING:
        found.append("CEILING")
    if seed_failed(chains):
        found.append("SEED-FAILED")
    return tuple(found)


def seed_failed(chains: Sequence[Chain]) -> bool:
    """Whether the 90 % interval of s(M_0) − s_init includes 0: over prompts for one M_0, else over replicates."""
    gains = paired(scores_of(chains, (-1, 0)))[..., 0]
    gains = gains[~np.isnan(gains).all(axis=1)]
    if not gains.size:
        return False
    one_seed = np.array_equal(gains, np.broadcast_to(gains[0], gains.shape), equal_nan=True)
    interval = t_interval(gains[0][~np.isnan(gains[0])] if one_seed else mean_of(gains))
    return interval.low is not None and interval.high is not None and interval.low <= 0 <= interval.high


def _at_seed(scores: Scores) -> float | None:
    return mean_or_none(scores.get(0, {}).values())


def _at_end(scores: Scores) -> float | None:
    held = [cycle for cycle in scores if cycle >= 0 and mean_or_none(scores[cycle].values()) is not None]
    return mean_or_none(scores[max(held)].values()) if held else None
