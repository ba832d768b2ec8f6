"""Draws answers through vLLM, each with a seed from its own key; prompts and texts are ours, tokens cross over.

vLLM's numbers depend on what is computed together, so the same key may draw another answer in another batch; a run
that draws here says so (`NOTE`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.samplers.texts import read_completion, render_prompt
from engine.seams import Completion, Draw
from engine.spec import SampleSettings
from engine.vllm.canary import Canary, Own, fly_canary
from engine.vllm.messages import Prompt
from engine.vllm.served import ServedModel

NOTE = "drawn through vLLM: seeds are per answer, but another batch or device may draw other answers from the same keys"


class VllmSampler:
    """A Sampler on a served model: temperature only, no top-k, no top-p, no penalties."""

    def __init__(self, own: Own, served: ServedModel, on_canary: Callable[[Canary], None] = lambda _: None) -> None:
        """`own` is the same model as the worker has it: for its tokenizer, and to prove what vLLM serves."""
        self._own, self._loaded, self._served, self._on_canary = own, own.loaded, served, on_canary

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """Completions in the order of `draws`; see `engine.seams.Sampler`.

        The first answers of other weights, and the first after vLLM came up, are preceded by a canary. Raises
        ServingError where vLLM fails or the canary differs, ModelError for `chat` without a chat template.
        """
        if not draws:
            return []
        prompts = [render_prompt(self._loaded, draw, settings.max_tokens, chat=chat) for draw in draws]
        self._served.make_room(max(map(len, prompts)) + settings.max_tokens)
        if self._served.unproved(adapter):
            self._on_canary(fly_canary(self._served, self._own, adapter))
        answers = self._served.write(
            [Prompt(ids, draw_seed(draw.key)) for ids, draw in zip(prompts, draws, strict=True)],
            adapter,
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            stop_ids=sorted(self._loaded.stop_ids),
        )
        return [
            read_completion(self._loaded, prompt, answer.ids, chat=chat)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]


def draw_seed(key: str) -> int:
    """The 56-bit seed of a draw's key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")
