"""Measures log p of training rows by plain forward passes, before and after a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models import LoadedModel

PROBED = 32
"""Rows measured at most, evenly spaced: enough to see whether anything moved, at a bounded price."""
TOKENS = 8192
"""Logits are formed for about this many tokens at once."""


@dataclass(frozen=True)
class Target:
    """One row's tokens, and from which of them on the loss is taken."""

    ids: Sequence[int]
    begin: int


def choose(targets: Sequence[Target]) -> list[Target]:
    """At most PROBED rows, evenly spaced, shortest first so that padding is short."""
    count = min(PROBED, len(targets))
    chosen = [targets[i * len(targets) // count] for i in range(count)]
    return sorted(chosen, key=lambda target: len(target.ids))


@torch.inference_mode()
def row_logps(model: Any, loaded: LoadedModel, targets: Sequence[Target]) -> list[float]:
    """Mean log p per token of every row's target tokens under `model`, its adapter as it stands."""
    training = model.training
    model.eval()
    logps: list[float] = []
    for batch in _batches(targets):
        logps += _batch_logps(model, loaded, batch)
    model.train(training)
    return logps


def _batches(targets: Sequence[Target]) -> list[list[Target]]:
    batches: list[list[Target]] = []
    for target in targets:
        if batches and len(target.ids) * (len(batches[-1]) + 1) <= TOKENS:
            batches[-1].append(target)
        else:
            batches.append([target])
    return batches


def _batch_logps(model: Any, loaded: LoadedModel, batch: list[Target]) -> list[float]:
    longest = max(len(target.ids) for target in batch)
    pad = loaded.tokenizer.pad_token_id
    ids = torch.tensor([[*row.ids, *[pad] * (longest - len(row.ids))] for row in batch], device=loaded.device)
    lengths = torch.tensor([len(row.ids) for row in batch], device=loaded.device)
    begins = torch.tensor([max(1, row.begin) for row in batch], device=loaded.device)
    place = torch.arange(longest, device=loaded.device)
    logits = model(input_ids=ids, attention_mask=(place < lengths[:, None]).long(), use_cache=False).logits[:, :-1]
    logp = _chosen(logits, ids[:, 1:])
    wanted = (place[1:] >= begins[:, None]) & (place[1:] < lengths[:, None])
    means = (logp * wanted).sum(1) / wanted.sum(1).clamp(min=1)
    return [float(mean) for mean in means]


def _chosen(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    rows = [
        torch.log_softmax(one.float(), -1).gather(-1, token[:, None])[:, 0]
        for one, token in zip(logits, ids, strict=True)
    ]
    return torch.stack(rows)
