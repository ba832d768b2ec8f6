"""The null band of protocol §6: what Δ does when nothing can drift, from the control chains' own curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

ENOUGH = 20
"""Numbers below which a 5–95 % range is little else than their extremes."""
NO_BAND = "no null band: neither resample-only nor seed-only has a Δ"


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
            notes.append(f"null band without {kind}: that control has no Δ")
        elif nulls:
            notes.append(f"null band: {nulls} of {len(deltas)} Δ of {kind} have no score and are left out")
    held = [delta for deltas in kinds.values() for delta in deltas if delta is not None]
    if not held:
        return NullBand(None, None, 0, (NO_BAND,))
    if len(held) < ENOUGH:
        notes.append(f"null band of {len(held)} Δ: below {ENOUGH} it is about their lowest and highest")
    low, high = _ends(held)
    return NullBand(low, high, len(held), tuple(notes))


def _ends(held: Sequence[float]) -> tuple[float, float]:
    if len(held) == 1:
        return held[0], held[0]
    cuts = quantiles(held, n=20, method="inclusive")
    return cuts[0], cuts[-1]
