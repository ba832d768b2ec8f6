"""How far runs are and when they may end, from what the console's reader tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from idemtui.console.facts import Run

ENDED = ("finished", "failed", "cancelled", "paused")
MEASURING = ("sample_eval", "likelihood", "judge")
"""The stages of base too."""
STAGES = {
    "sft": ("sample_train", "rows", "train", *MEASURING),
    "sdf": ("sample_train", "rows", "train", *MEASURING),
    "dpo": ("sample_train", "sample_rejected", "rows", "train", *MEASURING),
}


def ended(run: Run) -> bool:
    """Whether nothing more will come without somebody asking."""
    return run.status in ENDED


def share_done(run: Run) -> float:
    """The part of a chain that is done, base and M_0 counted as generations."""
    if run.status == "finished":
        return 1.0
    planned, measured = run.cycles + 2, len(run.points)
    return min((measured + _within_cycle(run)) / planned, 1.0)


def _within_cycle(run: Run) -> float:
    stage = run.stage
    if stage is None or run.at(stage.cycle) is not None:
        return 0.0
    name = {"seed_rows": "sample_train", "select": "rows"}.get(stage.name, stage.name)
    order = STAGES.get(run.regime, STAGES["sft"])[-len(MEASURING) if stage.cycle < 0 else 0 :]
    if name not in order:
        return 0.0
    part = min(stage.done / stage.total, 1.0) if stage.total else 0.0
    return (order.index(name) + part) / len(order)


@dataclass(frozen=True)
class Pace:
    """Where a follower came in: seconds left are read off what was done since."""

    started: float
    share: float

    def seconds_left(self, runs: Sequence[Run], now: float) -> float | None:
        """Until all have ended at the rate so far; None while that says nothing yet."""
        share = sum(map(share_done, runs))
        left = sum(1 - share_done(run) for run in runs if not ended(run))
        if share - self.share < 0.05 or not left:
            return None
        return left * (now - self.started) / (share - self.share)
