"""Labelling answers blind, one after the other: where one stands, what was said, what an undo takes back.

Nothing here asks or draws; the console and the command line share it.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError

if TYPE_CHECKING:
    from store.labelling import ToLabel
    from store.statistics.agreement import Agreement

STEP = 25
MOST_ANCHOR, MOST = 4, 100
"""0 to 4 are the rubric's anchors 0, 25, 50, 75, 100; larger numbers, and any after `=`, are points."""

Fields = dict[str, Any]


def author() -> str:
    """Who labels, as the system knows them."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "somebody"


def points(typed: str) -> int:
    """`3` → 75, `60` → 60, `=3` → 3; UsageError for what is no number of 0 to 100."""
    exact = typed.startswith("=")
    digits = typed.removeprefix("=").strip()
    if not digits.isdecimal() or int(digits) > MOST:
        raise UsageError(
            f"{typed!r} is no label: 0 to 4 for the anchors 0, 25, 50, 75, 100, or points 5 to 100 (=3 for 3)."
        )
    value = int(digits)
    return value * STEP if value <= MOST_ANCHOR and not exact else value


@dataclass
class Session:
    """Answers in the order of showing, and what was said of them; a skipped one stays unlabelled."""

    answers: tuple[ToLabel, ...]
    metric: str
    at: int = 0
    values: dict[int, int] = field(default_factory=dict)

    @property
    def current(self) -> ToLabel | None:
        """The answer to label now; None at the end."""
        return self.answers[self.at] if self.at < len(self.answers) else None

    @property
    def place(self) -> str:
        """`7 of 60, 5 labelled`."""
        return f"{min(self.at + 1, len(self.answers))} of {len(self.answers)}, {len(self.values)} labelled"

    def label(self, value: int) -> Fields:
        """Say it and go on; the line for the lab server."""
        note = self._note(value)
        self.values[self.at] = value
        self.at += 1
        return note

    def skip(self) -> None:
        """Go on without a word."""
        self.at = min(self.at + 1, len(self.answers))

    def undo(self) -> Fields | None:
        """Go back one answer; the line that takes its label back, None where there was none."""
        if self.at == 0:
            return None
        self.at -= 1
        return None if self.values.pop(self.at, None) is None else self._note(None)

    def _note(self, value: int | None) -> Fields:
        answer = self.answers[self.at]
        said = {} if value is None else {"value": value}
        return {"type": "label", "run_id": answer.run_id, "sample_id": answer.sample_id, "metric": self.metric, **said}


def agreement_words(found: Agreement) -> str:
    """`30 labels: Pearson 0.81, judge 4.2 above, κ 0.74`; what few labels cannot say is said to be so."""
    if not found.n or found.mean_difference is None:
        return "no labels yet that the judge scored, too"
    side = "below" if found.mean_difference > 0 else "above"
    pearson = "Pearson –" if found.pearson is None else f"Pearson {found.pearson:.2f}"
    kappa = "κ –" if found.kappa is None else f"κ {found.kappa:.2f}"
    apart = f"judge {abs(found.mean_difference):.1f} {side} on average"
    return f"{found.n} label{'' if found.n == 1 else 's'}: {pearson}, quadratic weighted {kappa}, {apart}"
