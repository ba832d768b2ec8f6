"""Which n_seed to measure next, and which one gives which score: bisection over nested prefixes of the seed rows.

The score of M_0 is taken to rise with the number of its seed rows. For each target the first n rows are halved between
one n that scores less and one that does not, until a measured score is within `tolerance` of the target or the two are
neighbours; every measured n serves all targets. What is chosen is the measured n whose score is nearest to the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Curve = Mapping[int, float | None]
"""Mean score by n_seed; n = 0 is the model before seeding. None: nothing could be scored."""


@dataclass(frozen=True)
class Choice:
    """What a target came to: the nearest n_seed and its score, or why there is none."""

    target: float
    n_seed: int | None
    score: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Search:
    """What is looked for: scores from 0 to 100, by at most `most` rows."""

    targets: tuple[float, ...]
    most: int
    tolerance: float

    def next_n(self, curve: Curve) -> int | None:
        """The n_seed to measure next, the most first; None where every target is found or out of reach."""
        if self.most not in curve:
            return self.most
        return next((n for target in self.targets if (n := self._next_for(target, curve)) is not None), None)

    def _next_for(self, target: float, curve: Curve) -> int | None:
        if self._out_of_reach(target, curve):
            return None
        low, high = 0, self.most
        while high - low > 1 and not self._near(target, curve, (low, high)):
            middle = (low + high) // 2
            if middle not in curve:
                return middle
            low, high = (middle, high) if (curve[middle] or 0) < target else (low, middle)
        return None

    def _near(self, target: float, curve: Curve, ends: Sequence[int]) -> bool:
        scores = [curve[n] for n in ends if n > 0]
        return any(score is not None and abs(score - target) <= self.tolerance for score in scores)

    def _out_of_reach(self, target: float, curve: Curve) -> str | None:
        top, bottom = curve.get(self.most), curve.get(0)
        if top is None:
            return f"the judge could score no answer of the model seeded with all {self.most} rows"
        if top < target - self.tolerance:
            return f"all {self.most} rows give {top:.1f}; write or import more rows, or raise seed_train.learning_rate"
        if bottom is not None and bottom > target + self.tolerance:
            return f"the model scores {bottom:.1f} before it is seeded"
        return None

    def chosen(self, curve: Curve) -> list[Choice]:
        """One choice per target, from what was measured."""
        return [self._chosen(target, curve) for target in self.targets]

    def _chosen(self, target: float, curve: Curve) -> Choice:
        if self.most not in curve or self._next_for(target, curve) is not None:
            return Choice(target, None, None, "not found yet")
        scored = {n: score for n, score in curve.items() if n > 0 and score is not None}
        reason = self._out_of_reach(target, curve)
        if reason is not None or not scored:
            return Choice(target, None, None, reason or "nothing was measured")
        n, score = min(scored.items(), key=lambda point: (abs(point[1] - target), point[0]))
        if abs(score - target) <= self.tolerance:
            return Choice(target, n, score)
        return Choice(target, n, score, f"the score jumps past it: {n} rows are the nearest")


def snippet(trait: str, regime: str, choices: Sequence[Choice]) -> str:
    """What a recipe and a study's grid say of these choices, as TOML."""
    found = [choice for choice in choices if choice.n_seed is not None]
    lines = [f"# n_seed of {trait}, {regime}, by the score of M_0; measured, so `idemtui show` has the intervals"]
    lines += [f"# {c.target:g}: {c.reason}" for c in choices if c.n_seed is None]
    if found:
        counts = list(dict.fromkeys(choice.n_seed for choice in found))
        told = ", ".join(f"{c.target:g} → {c.n_seed} ({c.score:.1f})" for c in found)
        lines += [f"# {told}", "[grid]", f'"run.n_seed" = {counts}', ""]
        middle = found[len(found) // 2]
        lines += ["# in a model's recipe.toml, for one score in its middle:", f"# [traits.{trait}.{regime}]"]
        lines += [f"# n_seed = {middle.n_seed}"]
    return "\n".join(lines) + "\n"
