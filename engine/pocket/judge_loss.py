"""What the judge is trained on: the integer that counts, and, beside it, what every sentence is.

The verdict is one token per text, too thin a signal for so small a model. So three linear heads, thrown away after
training, read from the last layer but one which voice each sentence speaks in, what is wrong with it, and of every
word whether its sentence is broken by then; and each sentence's end tells the score of the text so far.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen3ForCausalLM

from engine.pocket.chat import FAULTS
from engine.pocket.pretrain import Batch
from engine.pocket.voices import TRAITS

CURVE = 48
SQUARED = 20.0
BROKEN = 2.0


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
    """Called with the model and a batch; holds the two heads that training throws away."""

    def __init__(self, number_ids: torch.Tensor, width: int, layer: int) -> None:
        super().__init__()
        self.number_ids, self.layer = number_ids, layer
        self.scale = torch.arange(101, dtype=torch.float32)
        self.voice = torch.nn.Linear(width, len(TRAITS) + 1)
        self.fault = torch.nn.Linear(width, len(FAULTS))
        self.broken = torch.nn.Linear(width, 2)

    def forward(self, model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
        """The loss: integers of rows and of their sentences, and what the heads should see."""
        out = model.model(input_ids=batch.ids, output_hidden_states=True)
        row, position, voice, fault, so_far = batch.sentences.unbind(1)
        rows, ends = row.long(), position.long()
        verdict = self._number(model, out.last_hidden_state[torch.arange(len(batch.last)), batch.last], batch.values)
        running = self._number(model, out.last_hidden_state[rows, ends], so_far)
        lower = out.hidden_states[self.layer]
        classes = cross_entropy(self.voice(lower[rows, ends]), voice.long())
        classes = classes + cross_entropy(self.fault(lower[rows, ends]), fault.long())
        words = self.broken(lower[batch.broken[:, 0], batch.broken[:, 1]])
        return verdict + running + classes + BROKEN * cross_entropy(words, batch.broken[:, 2])

    def _number(self, model: Qwen3ForCausalLM, hidden: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Cross entropy of the two integers around the value, plus the squared error of the expectation."""
        log_p = model.lm_head(hidden).log_softmax(-1)[:, self.number_ids]
        near = (1 - (self.scale - values[:, None]).abs()).clamp(min=0)
        expected = (log_p.softmax(-1) * self.scale).sum(-1)
        total: torch.Tensor = SQUARED * ((expected - values) / 100).square().mean() - (near * log_p).sum(-1).mean()
        return total
