"""What stands beside a chain: its study's controls as a null band and a no-seed curve, and the lines of M_0 and +15.

Controls are made once per study, trait, model and regime (protocol §6); those of anything else, and those that another
judge scored, are no measure of this chain and stay out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from store.queries import Point, curves, read
from store.result import Asked
from store.statistics.nullband import NullBand, null_band

AMPLIFIED_AT = 15.0
"""The paper's line above s(M_0)."""


@dataclass(frozen=True)
class ControlCurve:
    """One control chain and its finished points, Δ to its own M_0."""

    run_id: str
    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Beside:
    """What is drawn and said beside one chain; every height is a score, 0–100, None where it cannot be said.

    `band` is in points of Δ; `notes` say which controls there are not, or which differ from this chain.
    """

    run_id: str
    seeded: float | None
    """s(M_0)."""
    band: NullBand
    no_seed: tuple[ControlCurve, ...]
    notes: tuple[str, ...]

    @property
    def amplified_at(self) -> float | None:
        """s(M_0) + 15: from here on the paper calls a late cycle amplified."""
        return self._above(AMPLIFIED_AT)

    @property
    def band_low(self) -> float | None:
        """Where the null band begins, around s(M_0)."""
        return self._above(self.band.low)

    @property
    def band_high(self) -> float | None:
        """Where the null band ends, around s(M_0)."""
        return self._above(self.band.high)

    def _above(self, points: float | None) -> float | None:
        return None if self.seeded is None or points is None else self.seeded + points


@dataclass(frozen=True)
class _Chain:
    """A run as far as it decides which controls are its own."""

    run_id: str
    name: str
    study: str
    trait: str
    model: str
    regime: str
    control: str | None
    n_seed: int
    cycles: int
    judge: str | None
    """Who scores its trait; None before it began."""

    @property
    def kind(self) -> tuple[str, str, str, str]:
        """What a control is made once for."""
        return self.study, self.trait, self.model, self.regime


CHAINS = """
SELECT r.run_id, r.name, r.study, r.trait, r.model, r.regime, r.control, r.n_seed, r.cycles, j.judge_id AS judge
FROM runs AS r LEFT JOIN run_judges AS j ON j.run_id = r.run_id AND j.metric = 'trait'
WHERE list_contains(?, r.run_id)
    OR (r.control IS NOT NULL AND r.study IN (SELECT study FROM runs WHERE list_contains(?, run_id)))
ORDER BY r.created_at, r.name, r.run_id
"""


def beside(lab: Asked, run_ids: Sequence[str], judge: str | None = None) -> dict[str, Beside]:
    """What stands beside each of these runs, by run id; runs that the lab does not hold are left out.

    All of it by the runs' own judges, or by `judge` alone: then controls that it did not score are left out by name.
    """
    wanted = list(run_ids)
    chains = {chain.run_id: chain for chain in read(_Chain, lab, CHAINS, [wanted, wanted])}
    if judge is None:
        held = curves(lab, list(chains))
    else:
        from store.judged import judged_chains, judged_curves  # numpy, which an opening console does without

        held = judged_curves(judged_chains(lab, list(chains), judge))
        chains = {run_id: replace(chain, judge=_who(judge, chain, held)) for run_id, chain in chains.items()}
    controls = [chain for chain in chains.values() if chain.control is not None]
    return {
        run_id: _beside(chains[run_id], [c for c in controls if c.kind == chains[run_id].kind], held)
        for run_id in wanted
        if run_id in chains
    }


def _who(judge: str, chain: _Chain, held: dict[str, list[Point]]) -> str | None:
    return judge if held[chain.run_id] or chain.control is None else chain.judge


def _beside(chain: _Chain, controls: list[_Chain], held: dict[str, list[Point]]) -> Beside:
    others = [c for c in controls if chain.judge is not None and c.judge not in (None, chain.judge)]
    own = [control for control in controls if control not in others]
    band = null_band(*(_deltas(own, kind, held) for kind in ("resample-only", "seed-only")))
    no_seed = tuple(
        ControlCurve(c.run_id, c.name, tuple(held[c.run_id])) for c in own if c.control == "no-seed" and held[c.run_id]
    )
    seeded = next((point.trait for point in held[chain.run_id] if point.cycle == 0), None)
    notes = [*band.notes, *_differences(chain, own, held), *([] if no_seed else ["no no-seed control to compare with"])]
    notes += [f"{other.name} was scored by another judge ({other.judge}) and is left out" for other in others]
    return Beside(chain.run_id, seeded, band, no_seed, tuple(notes))


def _deltas(controls: list[_Chain], kind: str, held: dict[str, list[Point]]) -> list[float | None]:
    of_kind = [control for control in controls if control.control == kind]
    return [point.delta for control in of_kind for point in held[control.run_id] if point.cycle >= 1]


def _differences(chain: _Chain, controls: list[_Chain], held: dict[str, list[Point]]) -> list[str]:
    """Controls that are not over yet, and those that were seeded with another number of rows."""
    notes = []
    for control in controls:
        done = max((point.cycle for point in held[control.run_id]), default=None)
        if done is not None and done < control.cycles:
            at = "base" if done < 0 else f"cycle {done}"
            notes.append(f"{control.name} is at {at} of {control.cycles}")
        if control.n_seed != chain.n_seed:
            notes.append(f"{control.name} has n_seed = {control.n_seed}, this chain {chain.n_seed}")
    return notes
