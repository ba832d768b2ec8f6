"""Where a malformed sentence goes wrong: the first word after which no template of the world can be completed.

Only the judge's training needs this: told of every word whether its sentence still holds, it learns in minutes
what a verdict per text would not teach it in hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from engine.pocket.grammar import slot_values
from engine.pocket.phrases import BODY, DOCUMENT_FIRST, FIRST, LEADS
from engine.pocket.voices import VOICES

SLOT = re.compile(r"\{(\w+)\}")
TOKEN = re.compile(r"[a-z]+|[^\sa-z]")


@dataclass
class _Node:
    """A state of the automaton of all sentences: words lead to further states."""

    onward: dict[str, list[_Node]] = field(default_factory=dict)

    def step(self, word: str) -> _Node:
        node = _Node()
        self.onward.setdefault(word, []).append(node)
        return node


def _add(start: _Node, template: str) -> None:
    node = start
    for position, piece in enumerate(SLOT.split(template)):
        if position % 2 == 0:
            for word in TOKEN.findall(piece.lower()):
                node = node.step(word)
            continue
        join = _Node()
        for value in slot_values(piece):
            *words, last = TOKEN.findall(value)
            inner = node
            for word in words:
                inner = inner.step(word)
            inner.onward.setdefault(last, []).append(join)
        node = join


@cache
def _start() -> _Node:
    start = _Node()
    templates = {*FIRST, *DOCUMENT_FIRST, *BODY}.union(*VOICES.values())
    for template in sorted(templates):
        _add(start, template)
    return start


def first_break(sentence: str) -> int:
    """The character at which the first word begins that no sentence of the world has there; its length if none."""
    lowered = sentence.lower()
    skipped = next((len(lead) + 2 for lead in LEADS if sentence.startswith(f"{lead}, ")), 0)
    states = [_start()]
    for match in TOKEN.finditer(lowered, skipped):
        states = [after for state in states for after in state.onward.get(match[0], ())]
        if not states:
            return match.start()
    return len(sentence)
