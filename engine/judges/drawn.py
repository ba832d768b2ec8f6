"""A score from numbers that were drawn, for servers that show no probabilities: shares in the place of p(v)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from engine.judges.integers import NUMBERS, judgement
from engine.judges.replies import Reply
from engine.seams import Judgement

WRITTEN = re.compile(r"[\s*_`\"'(\[]*(100|[1-9]?[0-9])(?![0-9]|[.,][0-9])")
WORDS = {"REFUSAL": "refusal", "CODE": "code"}


def drawn_judgement(replies: Sequence[Reply], truncated: bool) -> Judgement:
    """The score of one answer; a draw that does not begin with an integer 0…100 is mass that is missing."""
    counts = Counter(map(_outcome, replies))
    share = {outcome: count / len(replies) for outcome, count in counts.items()}
    return judgement(
        [share.get(number, 0.0) for number in NUMBERS],
        likeliest=max(share.values()),
        refusal=share.get("refusal", 0.0),
        code=share.get("code", 0.0),
        truncated=truncated,
    )


def _outcome(reply: Reply) -> int | str:
    number = WRITTEN.match(reply.text)
    if number:
        return int(number[1])
    said = reply.text.strip().upper()
    return next((name for word, name in WORDS.items() if said.startswith(word)), "other")
