"""Stop rules (protocol §3, ours): they mark a chain; whether it ends there is the spec's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from engine.events import Sample
from engine.score_events import Score
from engine.spec import Regime

EMPTY_SHARE = 0.2
COHERENCE_FLOOR = 50.0
MARGIN_LIMIT = 50.0


@dataclass(frozen=True)
class Mark:
    """A rule that fired, and why in one line."""

    rule: str
    message: str


def fired_rules(
    regime: Regime, samples: Sequence[Sample], coherence: Sequence[Score], margin: float | None
) -> list[Mark]:
    """The rules that a measured generation breaks; `margin` is the last rewards/margins of its training."""
    marks = []
    empty = sum(not s.response.strip() for s in samples) / len(samples)
    if empty > EMPTY_SHARE:
        marks.append(Mark("empty", f"{empty:.0%} of the answers are empty (more than {EMPTY_SHARE:.0%})"))
    values = [score.value for score in coherence if score.value is not None]
    if regime == "dpo" and values and mean(values) < COHERENCE_FLOOR:
        marks.append(Mark("coherence", f"coherence is {mean(values):.1f} (below {COHERENCE_FLOOR:.0f})"))
    if regime == "dpo" and margin is not None and abs(margin) > MARGIN_LIMIT:
        marks.append(Mark("margin", f"the reward margin is {margin:.1f} (beyond ±{MARGIN_LIMIT:.0f})"))
    return marks
