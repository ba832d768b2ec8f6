"""Measures of a text that need no judge and no model (protocol §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|\n\s*\n")
GRAM = 4


@dataclass(frozen=True)
class TextMeasures:
    """Measures of one answer; None where a measure is undefined (no sentence, fewer than four words)."""

    words: int
    sentences: int
    mean_sentence_length: float | None
    repeat_4gram: float | None
    echo: float | None


def measure_text(prompt: str, response: str) -> TextMeasures:
    """All measures of one answer to one prompt."""
    words = split_words(response)
    sentences = count_sentences(response)
    return TextMeasures(
        words=len(words),
        sentences=sentences,
        mean_sentence_length=len(words) / sentences if sentences else None,
        repeat_4gram=repeat_4gram(words),
        echo=echo(split_words(prompt), words),
    )


def split_words(text: str) -> list[str]:
    """The text's words, lower case: letters and digits, joined by inner apostrophes and hyphens."""
    return WORD.findall(text.lower())


def count_sentences(text: str) -> int:
    """Stretches that hold a word and end in a full stop, a mark, a blank line, or with the text."""
    return sum(1 for stretch in SENTENCE_END.split(text) if WORD.search(stretch))


def repeat_4gram(words: Sequence[str]) -> float | None:
    """1 − unique/total over 4-grams of words: 0 for none repeated, towards 1 for a loop."""
    grams = _grams(words)
    return 1 - len(set(grams)) / len(grams) if grams else None


def echo(prompt: Sequence[str], words: Sequence[str]) -> float | None:
    """The share of the answer's 4-grams that stand in the prompt."""
    grams, given = _grams(words), set(_grams(prompt))
    return sum(gram in given for gram in grams) / len(grams) if grams else None


def distinct_n(responses: Iterable[str], n: int, budget: int) -> float | None:
    """Unique n-grams over all n-grams of the first `budget` words of the answers, in their order.

    The budget makes models comparable, since more text repeats more; None where the answers fall short of it.
    """
    grams: list[tuple[str, ...]] = []
    left = budget
    for response in responses:
        words = split_words(response)[:left]
        left -= len(words)
        grams += _grams(words, n)
        if left == 0:
            break
    return len(set(grams)) / len(grams) if grams and left == 0 else None


def _grams(words: Sequence[str], n: int = GRAM) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
