"""p(0)…p(100) of a server that writes numbers digit by digit: the answers that it began are gone on with, by requests.

What the first answer shows along its own way costs nothing more; every other first digit that is likely enough to
matter is put into the judge's mouth and gone on from. `continue_final_message` is what vLLM and SGLang call that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.judges.integers import NUMBERS
from engine.judges.replies import Reply, Token, digit_mass

LEAST = 0.002
"""A beginning less likely than this is left out, and out of W."""

GoOn = Callable[[str], Reply]
"""The reply that goes on after these digits."""


@dataclass
class _Walk:
    go_on: GoOn
    after: dict[str, tuple[Token, ...]] = field(default_factory=dict)
    """What may follow the digits so far."""

    def learn(self, digits: str, reply: Reply) -> None:
        """Take in what a reply shows along its own way."""
        for place, written in zip(reply.places, (*reply.written, ""), strict=False):
            self.after.setdefault(digits, place)
            if not _is_digit(written):
                return
            digits += written.strip()

    def next(self, digits: str) -> tuple[Token, ...] | None:
        """What may follow, asked about where no reply has shown it; None where the server does not show it."""
        if digits not in self.after:
            self.learn(digits, self.go_on(digits))
        return self.after.get(digits)

    def sibling(self, digits: str) -> tuple[Token, ...]:
        """What may follow the likeliest number of the same length and first digit; () where none is shown."""
        alike = (after for known, after in self.after.items() if len(known) == len(digits) and known[0] == digits[0])
        return next(alike, ())


def digit_numbers(reply: Reply, go_on: GoOn) -> list[float]:
    """p(0)…p(100) as in `engine.judges.forward`, but for ends of two-digit numbers.

    Of these one is shown per first digit, that of the likeliest; the others are taken to end as surely.
    """
    walk = _Walk(go_on)
    walk.learn("", reply)
    numbers = [0.0 for _ in NUMBERS]
    for first, p in _digits(walk.after.get("", ())).items():
        after = walk.next(first) if p >= LEAST else None
        if after is None:
            continue
        numbers[int(first)] += p * (1 - digit_mass(after))
        for second, q in _digits(after).items() if first != "0" else ():
            _two(walk, numbers, first + second, p * q)
    return numbers


def _two(walk: _Walk, numbers: list[float], digits: str, p: float) -> None:
    after = walk.next(digits) if digits == "10" and p >= LEAST else walk.after.get(digits)
    numbers[int(digits)] += p * (1 - digit_mass(after if after is not None else walk.sibling(digits)))
    if digits == "10" and after:
        numbers[100] += p * _digits(after).get("0", 0.0) * (1 - digit_mass(walk.after.get("100", ())))


def _is_digit(text: str) -> bool:
    stripped = text.strip()
    return len(stripped) == 1 and stripped in "0123456789"


def _digits(tokens: tuple[Token, ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for token in tokens:
        if _is_digit(token.text):
            found[token.text.strip()] = found.get(token.text.strip(), 0.0) + token.p
    return found
