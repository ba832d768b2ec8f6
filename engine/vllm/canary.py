"""The canary: proof that the weights which answer through vLLM are those that they should be.

vLLM writes a few greedy answers and tells their log p; this process's own copy of the model, with the adapter in
question, reads the same tokens. Where both serve the same weights the two agree up to rounding; a stale adapter, stale
prefixes in the cache or weights broken by a sleep show as nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from engine.errors import ServingError
from engine.models import LoadedModel
from engine.samplers.texts import render_prompt
from engine.seams import Draw
from engine.vllm.messages import Prompt
from engine.vllm.served import ServedModel

QUESTIONS = ("How do you see the day that is coming?", "Tell me about a place that you know well.")
TOKENS = 16
TOLERANCE = {torch.float32: 0.05, torch.bfloat16: 0.9}
"""Nats by which the two may differ over all answers; a planted adapter one nat away has to show."""


class Own(Protocol):
    """The run's own model, as far as a canary needs it; see `engine.own_model`."""

    @property
    def loaded(self) -> LoadedModel:
        """Its tokenizer and what it says of itself."""
        ...

    def logps(
        self, adapter: Path | None, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """Log p of each answer after its prompt."""
        ...


@dataclass(frozen=True)
class Canary:
    """One canary: who wrote it (None: the base model), its tokens, and the nats between vLLM and this process."""

    adapter: Path | None
    tokens: int
    apart: float


def fly_canary(served: ServedModel, own: Own, adapter: Path | None) -> Canary:
    """Have vLLM write the canary and the run's own model read it; ServedModel remembers that it was right.

    Raises ServingError where the two differ by more than rounding.
    """
    loaded = own.loaded
    chat = loaded.has_chat_template
    prompts = [render_prompt(loaded, Draw(question, ""), TOKENS, chat=chat) for question in QUESTIONS]
    answers = served.write(
        [Prompt(ids) for ids in prompts],
        adapter,
        max_tokens=TOKENS,
        temperature=0.0,
        stop_ids=sorted(loaded.stop_ids),
        logprobs=True,
    )
    logps = own.logps(adapter, prompts, [answer.ids for answer in answers])
    apart = sum(abs(answer.logp - logp) for answer, logp in zip(answers, logps, strict=True))
    allowed = TOLERANCE[loaded.model.dtype]
    if not apart <= allowed:
        raise ServingError(
            f"vLLM does not serve {'M_init' if adapter is None else adapter}: its canary lies {apart:.2f} nats from "
            f"the same tokens' log p in this process (allowed: {allowed}); resume the run to start vLLM anew, or set "
            'execution.sampler = "transformers".',
            "Canary",
        )
    served.prove(adapter)
    return Canary(adapter, sum(len(answer.ids) for answer in answers), apart)
