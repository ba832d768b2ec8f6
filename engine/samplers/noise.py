"""Keyed randomness for sampling: a row's noise comes from its own key, never from its batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

BLOCK = 1 << 14
"""Numbers drawn ahead per row: fewer, larger calls for small vocabularies, one step at a time for large ones."""


class KeyedGumbel:
    """Standard Gumbel noise, one row of `vocabulary` numbers per key and step.

    argmax(logits / T + noise) is a draw from softmax(logits / T) (the Gumbel-max trick). The generators live on
    `device`, since moving a 150k-wide row per step and key would cost more than the model does.
    """

    def __init__(self, keys: Sequence[str], vocabulary: int, device: torch.device) -> None:
        self._generators = [_generator(key, device) for key in keys]
        self._vocabulary = vocabulary
        self._device = device
        self._steps = max(1, BLOCK // vocabulary)
        self._block: torch.Tensor | None = None
        self._left = 0

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone."""
        self._generators = [self._generators[row] for row in rows]
        if self._block is not None:
            self._block = self._block[list(rows)]

    def next(self) -> torch.Tensor:
        """Noise of the next step, (rows, vocabulary), float32."""
        if self._left == 0:
            self._block, self._left = self._draw(), self._steps
        self._left -= 1
        assert self._block is not None
        return self._block[:, self._steps - 1 - self._left]

    def _draw(self) -> torch.Tensor:
        shape = (len(self._generators), self._steps, self._vocabulary)
        uniform = torch.empty(shape, device=self._device)
        for row, generator in zip(uniform, self._generators, strict=True):
            row.uniform_(generator=generator)
        return uniform.log_().neg_().log_().neg_()


def _generator(key: str, device: torch.device) -> torch.Generator:
    generator = torch.Generator(device)
    generator.manual_seed(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big"))
    return generator
