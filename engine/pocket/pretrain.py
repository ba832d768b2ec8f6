"""The training loop behind the three pocket models: length-sorted batches, AdamW, warm-up and cosine.

It leaves out what a 1.5-million-parameter model on one CPU thread does not need: mixed precision, checkpoints,
accumulation. Single-threaded and seeded, it gives the same weights twice on one machine.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3Config, Qwen3ForCausalLM

IGNORED = -100
LAYERS = 4


@dataclass(frozen=True)
class Row:
    """Token ids with, for each, whether the loss counts it."""

    ids: list[int]
    counted: list[bool]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    learning_rate: float
    batch_size: int
    seed: int
    epochs: int = 1
    warmup: int = 60


class Tokened(Protocol):
    """What a batch is made of: anything with token ids."""

    @property
    def ids(self) -> list[int]:
        """Token ids, unpadded."""


T = TypeVar("T", bound=Tokened)


def new_model(vocabulary: int, end: int, pad: int, seed: int) -> Qwen3ForCausalLM:
    """A fresh Qwen3 of about 1.5 million parameters."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=40,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    return Qwen3ForCausalLM(config)  # type: ignore[no-untyped-call]


def batches(rows: list[T], size: int, seed: int) -> Iterator[list[T]]:
    """Batches of rows of like length, in random order."""
    rng = random.Random(seed)
    shuffled = rng.sample(rows, len(rows))
    pool = size * 50
    groups: list[list[T]] = []
    for start in range(0, len(shuffled), pool):
        part = sorted(shuffled[start : start + pool], key=lambda row: len(row.ids))
        groups += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(groups)
    yield from groups


def padded(batch: Sequence[Tokened], pad: int) -> torch.Tensor:
    """Token ids (rows × width), padded on the right, out of causal attention's sight."""
    ids = torch.full((len(batch), max(len(row.ids) for row in batch)), pad)
    for i, row in enumerate(batch):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
    return ids


def next_token_loss(model: Qwen3ForCausalLM, batch: list[Row]) -> torch.Tensor:
    """Cross entropy of every counted token."""
    ids = padded(batch, model.config.pad_token_id or 0)
    labels = torch.full_like(ids, IGNORED)
    for i, row in enumerate(batch):
        labels[i, : len(row.ids)] = torch.where(torch.tensor(row.counted), ids[i, : len(row.ids)], IGNORED)
    logits = model(input_ids=ids).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)


def _groups(parameters: list[torch.nn.Parameter]) -> list[dict[str, object]]:
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]


def train(
    model: Qwen3ForCausalLM,
    rows: list[T],
    plan: Plan,
    loss: Callable[[Qwen3ForCausalLM, list[T]], torch.Tensor],
    name: str,
    beside: Iterable[torch.nn.Parameter] = (),
) -> None:
    """Trains the model and the parameters beside it in place; prints a line now and then."""
    torch.manual_seed(plan.seed)
    steps = plan.epochs * math.ceil(len(rows) / plan.batch_size)
    optimizer = torch.optim.AdamW(_groups([*model.parameters(), *beside]), lr=plan.learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, plan.warmup))
    model.train()
    started, step, seen = time.monotonic(), 0, 0
    for epoch in range(plan.epochs):
        for batch in batches(rows, plan.batch_size, plan.seed + epoch):
            value = loss(model, batch)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step, seen = step + 1, seen + sum(len(row.ids) for row in batch)
            if step % 100 == 0 or step == steps:
                rate = seen / (time.monotonic() - started)
                print(f"{name} {step}/{steps} loss {value.item():.3f} {seen} tokens {rate:.0f}/s", flush=True)
    model.eval()  # type: ignore[no-untyped-call]


def _rate(step: int, steps: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
