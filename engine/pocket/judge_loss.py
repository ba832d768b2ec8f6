"""What the judge is trained on: the integers that count and, beside them, what every sentence is.

A verdict is one token per question, too thin a signal for so small a model. So three linear heads, thrown away after
training, read from below the last layer which voice each sentence speaks in, what is wrong with it, and of every word
whether its sentence is broken by then. The last layer is left with adding up what was asked.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3ForCausalLM

from engine.pocket.judge_rows import FAULTS, JudgeRow
from engine.pocket.pretrain import padded
from engine.pocket.voices import TRAITS

CURVE = 48
SQUARED = 20.0
WORDS = 2.0


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


class JudgeLoss(torch.nn.Module):
    """Called with the model and a batch; holds the heads that training throws away."""

    def __init__(self, number_ids: torch.Tensor, width: int, layer: int) -> None:
        super().__init__()
        self.number_ids, self.layer = number_ids, layer
        self.scale = torch.arange(101, dtype=torch.float32)
        self.voice = torch.nn.Linear(width, len(TRAITS) + 1)
        self.fault = torch.nn.Linear(width, len(FAULTS))
        self.word = torch.nn.Linear(width, 2)

    def forward(self, model: Qwen3ForCausalLM, batch: list[JudgeRow]) -> torch.Tensor:
        """The loss: every verdict, and what the heads should see."""
        ids = padded(batch, model.config.pad_token_id or 0)
        out = model.model(input_ids=ids, output_hidden_states=True)
        asked = [(i, *verdict) for i, row in enumerate(batch) for verdict in row.verdicts]
        rows, places, values = (torch.tensor(column) for column in zip(*asked, strict=True))
        below = out.hidden_states[self.layer]
        return self._numbers(model, out.last_hidden_state[rows, places], values.float()) + self._heads(below, batch)

    def _heads(self, hidden: torch.Tensor, batch: list[JudgeRow]) -> torch.Tensor:
        sentences = torch.tensor([(i, *item) for i, row in enumerate(batch) for item in row.sentences])
        words = torch.tensor([(i, *item) for i, row in enumerate(batch) for item in row.words])
        ends = hidden[sentences[:, 0], sentences[:, 1]]
        classes = cross_entropy(self.voice(ends), sentences[:, 2]) + cross_entropy(self.fault(ends), sentences[:, 3])
        return classes + WORDS * cross_entropy(self.word(hidden[words[:, 0], words[:, 1]]), words[:, 2])

    def _numbers(self, model: Qwen3ForCausalLM, hidden: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Cross entropy of the two integers around the value, plus the squared error of the expectation."""
        log_p = model.lm_head(hidden).log_softmax(-1)[:, self.number_ids]
        near = (1 - (self.scale - values[:, None]).abs()).clamp(min=0)
        expected = (log_p.softmax(-1) * self.scale).sum(-1)
        total: torch.Tensor = SQUARED * ((expected - values) / 100).square().mean() - (near * log_p).sum(-1).mean()
        return total
