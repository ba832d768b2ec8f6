"""Reads how likely answers are after their prompts, both as token ids, in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engine.models import LoadedModel
from engine.samplers.transformers import left_pad


@torch.inference_mode()
def read_logps(loaded: LoadedModel, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[float]:
    """Log p of each answer after its prompt, in nats, under the model as it stands."""
    rows = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
    ids, mask = left_pad(rows, loaded.tokenizer.pad_token_id, loaded.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    longest = max(map(len, answers))
    output: Any = loaded.model(
        input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=longest + 1
    )
    logp = torch.log_softmax(output.logits[:, :-1].float(), -1)
    chosen = logp.gather(-1, ids[:, -longest:, None])[..., 0]
    return [float(row[longest - len(answer) :].sum()) for row, answer in zip(chosen, answers, strict=True)]
