"""What a server's likeliest tokens say: numbers, refusals, and how sure it was (protocol §4, steps 2 and 3)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.judges.integers import NUMBERS, judgement
from engine.seams import Judgement

NUMBER = re.compile(r"0|[1-9][0-9]?|100")
DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True)
class Token:
    """One token that might have come next, as text, with its probability."""

    text: str
    p: float


@dataclass(frozen=True)
class Reply:
    """What a server wrote, and of every token it wrote, which others might have stood there, likeliest first."""

    text: str
    places: tuple[tuple[Token, ...], ...] = ()
    written: tuple[str, ...] = ()
    """The token that was written at each place."""

    @property
    def first(self) -> tuple[Token, ...]:
        """The likeliest first tokens; () where nothing was written and nothing shown."""
        return self.places[0] if self.places else ()


def token(text: str, logprob: float) -> Token:
    """A token from its log-probability."""
    return Token(text, math.exp(min(logprob, 0.0)))


def number_of(text: str) -> int | None:
    """The integer 0…100 that a token spells, spaces aside."""
    stripped = text.strip()
    return int(stripped) if NUMBER.fullmatch(stripped) else None


def whole_numbers(tokens: Iterable[Token]) -> list[float]:
    """p(0)…p(100) where every number is one token; spellings of one number are added."""
    numbers = [0.0 for _ in NUMBERS]
    for one in tokens:
        number = number_of(one.text)
        if number is not None:
            numbers[number] += one.p
    return numbers


def digit_mass(tokens: Iterable[Token]) -> float:
    """Σp of the tokens that go on with a digit."""
    return min(1.0, sum(one.p for one in tokens if DIGIT.match(one.text)))


def judged(reply: Reply, numbers: Sequence[float], truncated: bool) -> Judgement:
    """The score of a reply whose numbers are worked out."""
    return judgement(
        numbers,
        likeliest=max((one.p for one in reply.first), default=1.0),
        refusal=_opening(reply, "REFUSAL"),
        code=_opening(reply, "CODE"),
        truncated=truncated,
    )


def _opening(reply: Reply, word: str) -> float:
    """Σp of the first tokens that open the word; one that was written counts only where the word went on so."""
    written = reply.text.strip().upper()
    goes_on = bool(written) and (written.startswith(word) or word.startswith(written))
    return sum(
        one.p for one in reply.first if _opens(one.text, word) and (goes_on or not reply.text.startswith(one.text))
    )


def _opens(text: str, word: str) -> bool:
    stripped = text.strip().upper()
    return bool(stripped) and (word.startswith(stripped) or stripped.startswith(word))
