"""When two texts ask for nearly the same thing: how many of their word 4-grams they share.

Words are runs of letters and digits, in lower case (an apostrophe inside a word belongs to it). A text's 4-grams are
the set of its runs of four words; a text of fewer words has one, all of it. Two texts share |A ∩ B| / min(|A|, |B|): a
text that contains another shares all of it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
SIZE = 4

Grams = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Overlap:
    """Text number `first` and the other number `second` share this part of their 4-grams."""

    first: int
    second: int
    share: float


def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case; what has none is one word."""
    return tuple(word.lower() for word in WORD.findall(text)) or (text.strip(),)


def four_grams(text: str) -> Grams:
    """The set of a text's runs of four words."""
    all_words = words(text)
    return frozenset(all_words[i : i + SIZE] for i in range(max(1, len(all_words) - SIZE + 1)))


def share(one: Grams, other: Grams) -> float:
    """|A ∩ B| / min(|A|, |B|)."""
    return len(one & other) / min(len(one), len(other))


def first_words(text: str, count: int = 3) -> tuple[str, ...]:
    """How a text begins."""
    return words(text)[:count]


def between(texts: Sequence[str], others: Sequence[str], limit: float | None) -> list[Overlap]:
    """Every pair of a text and another one that shares at least `limit`; None asks for equal words alone."""
    grams = [_grams(text, limit) for text in texts]
    index = _index(grams)
    found = []
    for second, other in enumerate(others):
        theirs = _grams(other, limit)
        found += [Overlap(first, second, part) for first, part in _near(theirs, grams, index, limit)]
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def within(texts: Sequence[str], limit: float | None) -> list[Overlap]:
    """Every pair of texts, earlier one first, that shares at least `limit`; None asks for equal words alone."""
    return [pair for pair in between(texts, texts, limit) if pair.first < pair.second]


def _grams(text: str, limit: float | None) -> Grams:
    return frozenset([words(text)]) if limit is None else four_grams(text)


def _index(grams: Sequence[Grams]) -> dict[tuple[str, ...], list[int]]:
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, each in enumerate(grams):
        for gram in each:
            index[gram].append(number)
    return dict(index)


def _near(
    theirs: Grams, grams: Sequence[Grams], index: dict[tuple[str, ...], list[int]], limit: float | None
) -> Iterator[tuple[int, float]]:
    shared = Counter(number for gram in theirs for number in index.get(gram, ()))
    for number, count in shared.items():
        part = count / min(len(theirs), len(grams[number]))
        if part >= (1.0 if limit is None else limit):
            yield number, part
