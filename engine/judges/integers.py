"""The integers 0…100 as a tokenizer writes them, and a score from their probabilities (protocol §4).

Imports no torch: paths through a vocabulary, and sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.seams import Judgement, JudgementLabel

NUMBERS = range(101)
LEAST_MASS = 0.25
TOP = 20
ANCHORS = ("\n", ":", "")
SPACE = " \t\nĠĊ▁"
"""Spaces as vocabularies spell them: plain, byte-level, sentencepiece."""
DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True)
class Node:
    """A token of the number tree, the index of the node before it (−1: the prompt), and its depth from 1."""

    token: int
    parent: int
    depth: int


@dataclass(frozen=True)
class NumberTree:
    """All canonical spellings of 0…100 as one tree, parents before children; `ends[v]` is the last node of v.

    `single` holds the tokens that strip to each number, where every number is one token (None otherwise); `digits`
    the tokens that begin with a digit; `refusal` and `code` those with which the words REFUSAL and CODE begin.
    """

    nodes: tuple[Node, ...]
    ends: tuple[int, ...]
    single: tuple[tuple[int, ...], ...] | None
    digits: tuple[int, ...]
    refusal: frozenset[int]
    code: frozenset[int]

    def path(self, node: int) -> list[int]:
        """The tokens from the prompt to the node."""
        tokens: list[int] = []
        while node >= 0:
            tokens.append(self.nodes[node].token)
            node = self.nodes[node].parent
        return tokens[::-1]


def number_tree(tokenizer: Any) -> NumberTree:
    """The tree of a transformers tokenizer."""
    nodes: list[Node] = []
    places: dict[tuple[int, ...], int] = {}
    ends = []
    for path in (spell(tokenizer, str(number)) for number in NUMBERS):
        for depth in range(1, len(path) + 1):
            if path[:depth] not in places:
                places[path[:depth]] = len(nodes)
                nodes.append(Node(path[depth - 1], places.get(path[: depth - 1], -1), depth))
        ends.append(places[path])
    one_each = all(nodes[end].depth == 1 for end in ends)
    vocabulary = tokenizer.get_vocab()
    return NumberTree(
        nodes=tuple(nodes),
        ends=tuple(ends),
        single=_same_numbers(vocabulary) if one_each else None,
        digits=tuple(sorted(token for text, token in vocabulary.items() if DIGIT.match(text))),
        refusal=_openings(tokenizer, ("REFUSAL", "Refusal")),
        code=_openings(tokenizer, ("CODE", "Code")),
    )


def spell(tokenizer: Any, text: str) -> tuple[int, ...]:
    """The canonical tokens of `text` where an answer begins, without the space some tokenizers put before a text."""
    for anchor in ANCHORS:
        before = tokenizer.encode(anchor, add_special_tokens=False)
        whole = tokenizer.encode(anchor + text, add_special_tokens=False)
        if len(whole) > len(before) and whole[: len(before)] == before:
            return tuple(whole[len(before) :])
    return tuple(tokenizer.encode(text, add_special_tokens=False))


def _same_numbers(vocabulary: dict[str, int]) -> tuple[tuple[int, ...], ...]:
    tokens: dict[str, list[int]] = {str(number): [] for number in NUMBERS}
    for text, token in sorted(vocabulary.items(), key=lambda item: item[1]):
        if text.strip(SPACE) in tokens:
            tokens[text.strip(SPACE)].append(token)
    return tuple(tuple(same) for same in tokens.values())


def _openings(tokenizer: Any, words: Iterable[str]) -> frozenset[int]:
    return frozenset(spelled[0] for spelled in (spell(tokenizer, word) for word in words) if spelled)


def judgement(numbers: Sequence[float], *, likeliest: float, refusal: float, code: float, truncated: bool) -> Judgement:
    """The score of one answer from p(0)…p(100).

    `likeliest` is the probability of the likeliest first token of all, `refusal` and `code` of the openings of those
    words: where one of them reaches it, or where Σp < 0.25, the value is None and the label says why.
    """
    mass = float(sum(numbers))
    label: JudgementLabel = "score"
    if refusal >= likeliest and refusal >= code:
        label = "refusal"
    elif code >= likeliest:
        label = "code"
    elif mass < LEAST_MASS:
        label = "no_number"
    top = sorted(((v, round(p, 6)) for v, p in enumerate(numbers) if p >= 1e-6), key=lambda pair: -pair[1])[:TOP]
    if label != "score":
        return Judgement(None, mass, None, label, tuple(top), truncated)
    value = sum(v * p for v, p in enumerate(numbers)) / mass
    variance = sum((v - value) ** 2 * p for v, p in enumerate(numbers)) / mass
    return Judgement(value, mass, variance, label, tuple(top), truncated)
