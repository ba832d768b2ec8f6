"""How a server's tokenizer writes 0…100, found out from what it counts: two requests, whatever the model answers.

A hundred and one numbers, one a line, take as many tokens more than a hundred and one digits as their spellings have
tokens beyond the first. The likeliest tokens of an answer cannot tell: a lone "7" there may be 7, or 70 begun.
"""

from __future__ import annotations

from typing import Literal

from engine.judges.integers import NUMBERS
from engine.judges.wire import Wire
from engine.seams import Spent

Spelling = Literal["whole", "digits", "other", "unknown"]
DIGIT_BY_DIGIT = sum(len(str(number)) - 1 for number in NUMBERS)


def spelling_of(wire: Wire) -> tuple[Spelling, Spent]:
    """`whole`: one token each; `digits`: one a digit; `other`: neither; `unknown`: the server counts no tokens."""
    digits, numbers = (_counted(wire, lines) for lines in (["7"] * len(NUMBERS), [str(n) for n in NUMBERS]))
    spent = digits + numbers
    if not (digits.prompt_tokens and numbers.prompt_tokens):
        return "unknown", spent
    more = numbers.prompt_tokens - digits.prompt_tokens
    return ("whole" if more == 0 else "digits" if more == DIGIT_BY_DIGIT else "other"), spent


def _counted(wire: Wire, lines: list[str]) -> Spent:
    content = "\n".join(["Numbers:", *lines, "Answer 0."])
    return wire.ask([{"role": "user", "content": content}], max_tokens=1, temperature=0.0).spent
