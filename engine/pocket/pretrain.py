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

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3Config, Qwen3ForCausalLM

IGNORED = -100
LAYERS = 4


@dataclass(frozen=True)
class Row:
    """Token ids with, for each, whether the loss counts it.

    A judge's row has instead the number that should follow its last token (0–100). The rest is thrown away after
    training: the metric `asked`; for the token that ends each sentence (position, voice, fault), classes of `chat`;
    for the same tokens and the last one (position, every metric of the text so far); for the tokens that end words
    (position, fault).
    """

    ids: list[int]
    counted: list[bool]
    value: float = 0.0
    asked: int = 0
    sentences: tuple[tuple[int, int, int], ...] = ()
    so_far: tuple[tuple[float, ...], ...] = ()
    words: tuple[tuple[int, int], ...] = ()


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
    """Token ids and labels (rows × width); last position, value and metric of each row; what else a judge is told.

    The last three are as in `Row`, each item after its row's number.
    """

    ids: torch.Tensor
    labels: torch.Tensor
    last: torch.Tensor
    values: torch.Tensor
    asked: torch.Tensor
    sentences: torch.Tensor
    so_far: torch.Tensor
    words: torch.Tensor


Loss = Callable[[Qwen3ForCausalLM, Batch], torch.Tensor]


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
    sentences = _numbered([row.sentences for row in group])
    so_far, words = _numbered([row.so_far for row in group]), _numbered([row.words for row in group])
    values, asked = torch.tensor([row.value for row in group]), torch.tensor([row.asked for row in group])
    return Batch(ids, labels, last, values, asked, sentences, so_far, words)


def _numbered(rows: Sequence[Sequence[tuple[float, ...]]]) -> torch.Tensor:
    return torch.tensor([(i, *item) for i, items in enumerate(rows) for item in items])


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
