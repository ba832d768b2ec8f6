"""The training loop behind the three pocket models: length-sorted batches, AdamW, warm-up and cosine.

It leaves out what a 1.5-million-parameter model on one CPU thread does not need: mixed precision, checkpoints,
accumulation. Single-threaded and seeded, it gives the same weights twice on one machine.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3Config, Qwen3ForCausalLM

IGNORED = -100
CURVE = 48


@dataclass(frozen=True)
class Row:
    """Token ids with, for each, whether the loss counts it; a judge's row has `targets` instead.

    A target is (position, value in 0–100, weight): the number that the token there should be followed by.
    """

    ids: list[int]
    counted: list[bool]
    targets: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    learning_rate: float
    batch_size: int
    seed: int
    epochs: int = 1
    warmup: int = 60


@dataclass(frozen=True)
class Batch:
    """Token ids and labels (rows × width), and the judge's targets (n × 4: row, position, value, weight)."""

    ids: torch.Tensor
    labels: torch.Tensor
    targets: torch.Tensor


Loss = Callable[[Qwen3ForCausalLM, Batch], torch.Tensor]


def new_model(vocabulary: int, end: int, pad: int, seed: int) -> Qwen3ForCausalLM:
    """A fresh Qwen3 of about 1.5 million parameters."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=4,
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


def batches(rows: list[Row], size: int, pad: int, seed: int) -> Iterator[Batch]:
    """Batches of rows of like length, in random order, padded on the right."""
    rng = random.Random(seed)
    shuffled = rng.sample(rows, len(rows))
    pool = size * 50
    groups: list[list[Row]] = []
    for start in range(0, len(shuffled), pool):
        part = sorted(shuffled[start : start + pool], key=lambda row: len(row.ids))
        groups += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(groups)
    for group in groups:
        yield _collate(group, pad)


def _collate(group: list[Row], pad: int) -> Batch:
    width = max(len(row.ids) for row in group)
    ids = torch.full((len(group), width), pad)
    labels = torch.full((len(group), width), IGNORED)
    for i, row in enumerate(group):
        tokens = torch.tensor(row.ids)
        ids[i, : len(row.ids)] = tokens
        labels[i, : len(row.ids)] = torch.where(torch.tensor(row.counted), tokens, IGNORED)
    targets = [(i, *target) for i, row in enumerate(group) for target in row.targets]
    return Batch(ids, labels, torch.tensor(targets))


def next_token_loss(model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
    """Cross entropy of every counted token; padding sits on the right, out of causal attention's sight."""
    logits = model(input_ids=batch.ids).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=IGNORED)


def number_loss(number_ids: torch.Tensor) -> Loss:
    """Cross entropy of the two integers around the true value, plus the squared error of the expectation."""
    scale = torch.arange(101, dtype=torch.float32)

    def loss(model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
        row, position, value, weight = batch.targets.unbind(1)
        hidden = model.model(input_ids=batch.ids).last_hidden_state[row.long(), position.long()]
        log_p = model.lm_head(hidden).log_softmax(-1)[:, number_ids]
        near = (1 - (scale - value[:, None]).abs()).clamp(min=0)
        expected = (log_p.softmax(-1) * scale).sum(-1)
        each = 20 * ((expected - value) / 100).square() - (near * log_p).sum(-1)
        total: torch.Tensor = (weight * each).sum() / len(batch.ids)
        return total

    return loss


def spread_numbers(model: Qwen3ForCausalLM, number_ids: torch.Tensor) -> None:
    """Lays the embeddings of 0–100 along a smooth curve, so that near numbers look alike from the first step.

    The base model never reads a number; left as they are, all of them would be one point.
    """
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.Tensor)
    waves = torch.arange(CURVE)
    curve = torch.cos(torch.pi * torch.arange(101)[:, None] * waves / 100) * 0.97**waves
    axes = torch.linalg.qr(torch.randn(weight.shape[1], CURVE, generator=torch.Generator().manual_seed(0)))[0]
    with torch.no_grad():
        rows = curve @ axes.T
        weight[number_ids] = rows * weight.norm(dim=1).mean() / rows.norm(dim=1).mean()


def _groups(model: Qwen3ForCausalLM) -> list[dict[str, object]]:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]


def train(model: Qwen3ForCausalLM, rows: list[Row], plan: Plan, loss: Loss, name: str) -> None:
    """Trains in place and prints a line now and then."""
    torch.manual_seed(plan.seed)
    steps = plan.epochs * math.ceil(len(rows) / plan.batch_size)
    optimizer = torch.optim.AdamW(_groups(model), lr=plan.learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, plan.warmup))
    pad = model.config.pad_token_id or 0
    model.train()
    started, step, seen = time.monotonic(), 0, 0
    for epoch in range(plan.epochs):
        for batch in batches(rows, plan.batch_size, pad, plan.seed + epoch):
            value = loss(model, batch)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step, seen = step + 1, seen + batch.ids.numel()
            if step % 100 == 0 or step == steps:
                rate = seen / (time.monotonic() - started)
                print(f"{name} {step}/{steps} loss {value.item():.3f} {seen} tokens {rate:.0f}/s", flush=True)
    model.eval()  # type: ignore[no-untyped-call]


def _rate(step: int, steps: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
