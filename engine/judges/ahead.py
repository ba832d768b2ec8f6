"""Reads the probabilities of 0…100 from a backend that tells log p of chosen next tokens (vLLM), and nothing more.

The same numbers as `engine.judges.forward`, one depth of the number tree at a time: a node is only asked about where it
is reached at all, so that what is left out is at most LEAST per number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.judges.forward import Reading
from engine.judges.integers import NumberTree, number_tree

LEAST = 1e-8
"""Numbers reached with less than this are not followed further: the score is off by at most 101 · 100 · LEAST / W."""


class Ahead(Protocol):
    """What a backend tells of one prompt's next token."""

    @property
    def logps(self) -> Sequence[float]:
        """Log p of the tokens that were asked about, in their order."""
        ...

    @property
    def likeliest(self) -> float:
        """Log p of the likeliest token of all."""
        ...


LookAhead = Callable[[Sequence[Sequence[int]], Sequence[int]], Sequence[Ahead]]
"""(prompts, tokens) → for each prompt, log p of each of the tokens as the next one."""


@dataclass
class _Prompt:
    """One prompt's reading under way: log p of reaching each node, and the mass that ends there."""

    ids: Sequence[int]
    reached: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)


class AheadReader:
    """Exact number probabilities by looking ahead."""

    def __init__(self, tokenizer: Any, look_ahead: LookAhead) -> None:
        self.tree: NumberTree = number_tree(tokenizer)
        self._look_ahead = look_ahead
        nodes = range(len(self.tree.nodes))
        self._children = {
            parent: [node for node in nodes if self.tree.nodes[node].parent == parent] for parent in (-1, *nodes)
        }

    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """Readings in the order of `prompts`."""
        words = sorted(self.tree.refusal | self.tree.code)
        if self.tree.single is not None:
            numbers = sorted({token for same in self.tree.single for token in same})
            return [self._single(p, likeliest) for p, likeliest in self._first(prompts, [*numbers, *words])]
        openings = [self.tree.nodes[node].token for node in self._children[-1]]
        first = self._first(prompts, [*openings, *words])
        under_way = [_Prompt(ids) for ids in prompts]
        for one, (p, _) in zip(under_way, first, strict=True):
            one.reached = {node: p[self.tree.nodes[node].token] for node in self._children[-1]}
        self._follow(under_way)
        return [
            self._reading(self._numbers(one), p, likeliest)
            for one, (p, likeliest) in zip(under_way, first, strict=True)
        ]

    def _first(self, prompts: Sequence[Sequence[int]], tokens: Sequence[int]) -> list[tuple[dict[int, float], float]]:
        """Probabilities of the tokens right after each prompt, and of the likeliest."""
        return [
            (dict(zip(tokens, map(math.exp, ahead.logps), strict=True)), math.exp(ahead.likeliest))
            for ahead in self._look_ahead(prompts, tokens)
        ]

    def _follow(self, under_way: Sequence[_Prompt]) -> None:
        """Ask about all nodes of one depth of all prompts together, then about the next."""
        frontier = [(one, node) for one in under_way for node in one.reached]
        while frontier := [(one, node) for one, node in frontier if one.reached[node] >= LEAST]:
            prompts = [[*one.ids, *self.tree.path(node)] for one, node in frontier]
            children = {self.tree.nodes[child].token for _, node in frontier for child in self._children[node]}
            tokens = sorted(children | set(self.tree.digits))
            following = []
            for (one, node), (p, _) in zip(frontier, self._first(prompts, tokens), strict=True):
                one.ended[node] = max(0.0, 1 - sum(p[token] for token in self.tree.digits))
                for child in self._children[node]:
                    one.reached[child] = one.reached[node] * p[self.tree.nodes[child].token]
                    following.append((one, child))
            frontier = following

    def _numbers(self, one: _Prompt) -> list[float]:
        return [one.reached.get(end, 0.0) * one.ended.get(end, 0.0) for end in self.tree.ends]

    def _single(self, p: dict[int, float], likeliest: float) -> Reading:
        assert self.tree.single is not None
        return self._reading([sum(p[token] for token in same) for same in self.tree.single], p, likeliest)

    def _reading(self, numbers: list[float], p: dict[int, float], likeliest: float) -> Reading:
        refusal, code = (sum(p[token] for token in words) for words in (self.tree.refusal, self.tree.code))
        return Reading(numbers, likeliest, refusal, code)
