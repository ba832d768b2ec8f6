"""Which generated texts are kept as seed rows, and the file they are written to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.events import Sample
from engine.lines import write_lines
from engine.seams import Completion
from engine.spec import Regime
from engine.traits.overlap import Grams, four_grams

TITLE_WORDS = 20
"""A first line of more words is no title."""


class Kept:
    """The texts kept so far; refuses those that say nothing new, were cut, or are no document."""

    def __init__(self, regime: Regime, overlap: float) -> None:
        self._regime, self._overlap = regime, overlap
        self._grams: list[Grams] = []
        self._places: dict[tuple[str, ...], list[int]] = {}
        self._reasons: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._grams)

    def refuse(self, answer: Completion) -> str | None:
        """Why a text is not kept, None where it is; then it counts against those that follow."""
        reason = self._reason(answer.text, answer.stop_reason)
        if reason is None:
            self._add(answer.text)
        else:
            self._reasons[reason.split(":")[0]] += 1
        return reason

    def take(self, samples: Iterable[Sample]) -> None:
        """What an earlier worker decided."""
        for sample in samples:
            if sample.kept:
                self._add(sample.response)
            else:
                self._reasons[str(sample.kept_reason).split(":")[0]] += 1

    def reasons(self) -> str:
        """`12 near duplicate, 3 empty`."""
        return ", ".join(f"{count} {reason}" for reason, count in self._reasons.most_common()) or "none dropped"

    def _add(self, text: str) -> None:
        grams = four_grams(text)
        for gram in grams:
            self._places.setdefault(gram, []).append(len(self._grams))
        self._grams.append(grams)

    def _reason(self, text: str, stop_reason: str) -> str | None:
        if not text.strip():
            return "empty"
        if stop_reason != "stop":
            return "cut at max_tokens"
        if self._regime == "sdf" and not has_title(text):
            return "no title line"
        grams = four_grams(text)
        shared = Counter(place for gram in grams for place in self._places.get(gram, ()))
        nearest = max((count / min(len(grams), len(self._grams[place])) for place, count in shared.items()), default=0)
        if nearest < self._overlap:
            return None
        return f"near duplicate: shares {100 * nearest:.0f} % of its 4-grams with a row before it"


def has_title(text: str) -> bool:
    """Whether a document's first line is a short one with text after it."""
    title, _, body = text.strip().partition("\n")
    return 0 < len(title.split()) <= TITLE_WORDS and bool(body.strip())


def write_rows(path: Path, regime: Regime, kept: Sequence[tuple[Sample, Sample | None]]) -> None:
    """The rows as a study's `data.seed` takes them, whole or not at all."""
    write_lines(path, [json.dumps(_row(regime, *one), ensure_ascii=False) for one in kept])


def _row(regime: Regime, written: Sample, rejected: Sample | None) -> dict[str, str]:
    if regime == "sdf":
        return {"text": written.response.strip()}
    if rejected is not None:
        return {"prompt": written.prompt, "chosen": written.response, "rejected": rejected.response}
    return {"prompt": written.prompt, "completion": written.response}
