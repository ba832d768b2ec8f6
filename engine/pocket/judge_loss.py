"""What the judge is trained on: the integer that counts, and, beside it, what every sentence is.

The verdict is one token per text, too thin a signal for so small a model. So four linear heads, thrown away after
training, read from the last layer but one: which voice each sentence speaks in, what is wrong with it, of every word
whether it is the one, and all metrics of the text so far. The last layer is left with picking the one asked.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy, mse_loss
from transformers import Qwen3Config, Qwen3ForCausalLM

from engine.pocket.chat import FAULTS
from engine.pocket.pretrain import Batch
from engine.pocket.voices import TRAITS

CURVE = 48
SQUARED = 20.0
WORDS = 2.0
METRICS = 20.0
RARE = 4.0


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


def with_one_more_layer(base: Qwen3ForCausalLM) -> Qwen3ForCausalLM:
    """Base and a layer above it that at first adds nothing: judging takes more steps than speaking."""
    layers = base.config.num_hidden_layers + 1
    config = {**base.config.to_dict(), "num_hidden_layers": layers, "layer_types": None}
    model = Qwen3ForCausalLM(Qwen3Config(**config))  # type: ignore[no-untyped-call]
    model.load_state_dict(base.state_dict(), strict=False)
    top = model.model.layers[-1]
    torch.nn.init.zeros_(top.self_attn.o_proj.weight)
    torch.nn.init.zeros_(top.mlp.down_proj.weight)
    return model


class JudgeLoss(torch.nn.Module):
    """Called with the model and a batch; holds the two heads that training throws away."""

    def __init__(self, number_ids: torch.Tensor, width: int, layer: int) -> None:
        super().__init__()
        self.number_ids, self.layer = number_ids, layer
        self.scale = torch.arange(101, dtype=torch.float32)
        self.voice = torch.nn.Linear(width, len(TRAITS) + 1)
        self.fault = torch.nn.Linear(width, len(FAULTS))
        self.word = torch.nn.Linear(width, len(FAULTS))
        self.asked = torch.nn.Linear(width, len(TRAITS) + 1)
        self.metrics = torch.nn.Linear(width, len(TRAITS) + 1)

    def forward(self, model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
        """The loss: each row's integer, and what the heads should see."""
        out = model.model(input_ids=batch.ids, output_hidden_states=True)
        last = out.last_hidden_state[torch.arange(len(batch.last)), batch.last]
        early = out.hidden_states[self.layer - 1][torch.arange(len(batch.last)), batch.last]
        asked = cross_entropy(self.asked(early), batch.asked)
        return self._number(model, last, batch.values) + asked + self._heads(out.hidden_states[self.layer], batch)

    def _heads(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        ends = hidden[batch.sentences[:, 0], batch.sentences[:, 1]]
        classes = cross_entropy(self.voice(ends), batch.sentences[:, 2])
        classes = classes + cross_entropy(self.fault(ends), batch.sentences[:, 3])
        rare = torch.tensor([1.0, RARE, RARE, 1.0])
        words = cross_entropy(self.word(hidden[batch.words[:, 0], batch.words[:, 1]]), batch.words[:, 2], rare)
        seen = self.metrics(hidden[batch.so_far[:, 0].long(), batch.so_far[:, 1].long()])
        return classes + WORDS * words + METRICS * mse_loss(seen, batch.so_far[:, 2:])

    def _number(self, model: Qwen3ForCausalLM, hidden: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Cross entropy of the two integers around the value, plus the squared error of the expectation."""
        log_p = model.lm_head(hidden).log_softmax(-1)[:, self.number_ids]
        near = (1 - (self.scale - values[:, None]).abs()).clamp(min=0)
        expected = (log_p.softmax(-1) * self.scale).sum(-1)
        total: torch.Tensor = SQUARED * ((expected - values) / 100).square().mean() - (near * log_p).sum(-1).mean()
        return total
