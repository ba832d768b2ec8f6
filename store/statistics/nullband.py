"""The null band of protocol §6: what Δ does when nothing can drift, from the control chains' own curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

ENOUGH = 20
"""Numbers below which a 5–95 % range is little else than their extremes."""


@dataclass(frozen=True)
class NullBand:
    """5–95 % range of the controls' Δ, None without any; `count` of them were there, `notes` name what was not."""

    low: float | None
    high: float | None
    count: int
    notes: tuple[str, ...] = ()


def null_band(resampled: Iterable[float | None], reseeded: Iterable[float | None]) -> NullBand:
    """The 5 and 95 % quantiles of all Δ_j of `resample-only` (M_0 measured again) and `seed-only` (M_0 trained again).

    Quantiles interpolate linearly between order statistics (Hyndman, Fan 1996, American Statistician 50, type 7).
    """
    kinds = {"resample-only": list(resampled), "seed-only": list(reseeded)}
    notes = []
    for kind, deltas in kinds.items():
        nulls = sum(delta is None for delta in deltas)
        if not deltas:
            notes.append(f"null band without {kind}: that control has not been run")
        elif nulls:
            notes.append(f"null band: {nulls} of {len(deltas)} Δ of {kind} have no score and are left out")
    held = [delta for deltas in kinds.values() for delta in deltas if delta is not None]
    if not held:
        return NullBand(None, None, 0, tuple(notes))
    if len(held) < ENOUGH:
        notes.append(f"null band of {len(held)} Δ: below {ENOUGH} it is about their lowest and highest")
    low, high = np.quantile(np.array(held), [0.05, 0.95])
    return NullBand(float(low), float(high), len(held), tuple(notes))
