"""The training loop behind the three pocket models: length-sorted batches, AdamW, warm-up and cosine.

It leaves out what a 1.5-million-parameter model on one CPU thread does not need: mixed precision, checkpoints,
accumulation. Single-threaded and seeded, it gives the same weights twice on one machine.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3Config, Qwen3ForCausalLM

IGNORED = -100


@dataclass(frozen=True)
class Row:
    """Token ids with, for each, whether the loss counts it.

    A judge's row has instead the number that should follow its last token (0–100); for the token that ends each
    sentence (position, voice, fault, value of the text so far), its classes those of `chat`; and the positions of
    its answer's tokens with whether their sentence is broken by then. Only the first outlives training.
    """

    ids: list[int]
    counted: list[bool]
    value: float = 0.0
    sentences: tuple[tuple[int, int, int, float], ...] = ()
    broken: tuple[tuple[int, bool], ...] = ()


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
    """Token ids and labels (rows × width), and of each row the judge's targets: its last position and value, its
    sentences (n × 5) and its answer's tokens (n × 3), each after the row's number.
    """

    ids: torch.Tensor
    labels: torch.Tensor
    last: torch.Tensor
    values: torch.Tensor
    sentences: torch.Tensor
    broken: torch.Tensor


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
    last = torch.tensor([len(row.ids) - 1 for row in group])
    sentences = torch.tensor([(i, *sentence) for i, row in enumerate(group) for sentence in row.sentences])
    broken = torch.tensor([(i, *token) for i, row in enumerate(group) for token in row.broken])
    return Batch(ids, labels, last, torch.tensor([row.value for row in group]), sentences, broken)


def next_token_loss(model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
    """Cross entropy of every counted token; padding sits on the right, out of causal attention's sight."""
    logits = model(input_ids=batch.ids).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=IGNORED)


def _groups(parameters: list[torch.nn.Parameter]) -> list[dict[str, object]]:
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]


def train(
    model: Qwen3ForCausalLM,
    rows: list[Row],
    plan: Plan,
    loss: Loss,
    name: str,
    beside: Iterable[torch.nn.Parameter] = (),
) -> None:
    """Trains the model and the parameters beside it in place; prints a line now and then."""
    torch.manual_seed(plan.seed)
    steps = plan.epochs * math.ceil(len(rows) / plan.batch_size)
    optimizer = torch.optim.AdamW(_groups([*model.parameters(), *beside]), lr=plan.learning_rate, betas=(0.9, 0.98))
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
