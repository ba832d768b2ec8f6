"""What a causal model's `config.json` says of its size: enough to reckon memory, disk and work; imports no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.model_files import snapshot

ACCEPTED = "layers, hidden size, heads and vocabulary"


@dataclass(frozen=True)
class Shape:
    """A decoder of equal layers, each with attention (q, k, v, o) and a gated MLP (gate, up, down)."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    """Whether the output layer shares the embedding's weights."""
    context: int

    @property
    def linears(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of the seven linear maps of one layer: q, k, v, o, gate, up, down."""
        q, kv, h, i = self.heads * self.head_dim, self.kv_heads * self.head_dim, self.hidden, self.intermediate
        return (h, q), (h, kv), (h, kv), (q, h), (h, i), (h, i), (i, h)

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear maps in the layers: what every token is multiplied with."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears)

    @property
    def embeddings(self) -> int:
        """Weights of the embedding and the output layer, once where they are tied."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights but norms and biases, which are less than a thousandth of them."""
        return self.linear_parameters + self.embeddings

    def lora_parameters(self, rank: int) -> int:
        """Weights of a LoRA on all linear maps: r · (inputs + outputs) of each."""
        return self.layers * sum(rank * (inputs + outputs) for inputs, outputs in self.linears)

    @property
    def kv_numbers(self) -> int:
        """Keys and values that one token leaves in the cache."""
        return 2 * self.layers * self.kv_heads * self.head_dim

    def flops(self, tokens: int, *, backward: bool) -> int:
        """Floating-point operations of `tokens` through all linear maps and the output layer.

        2 per weight forward and, where the weights are frozen, 2 more backward (for the inputs alone); attention's own
        part is left out.
        """
        weights = self.linear_parameters + self.vocabulary * self.hidden
        return tokens * weights * (4 if backward else 2)


def read_shape(model: str) -> Shape | None:
    """The shape of a model by name; None for a hub model that is not local yet. ModelError for other architectures."""
    folder = snapshot(model)
    return None if folder is None else shape_of(model, folder)


def shape_of(model: str, folder: Path) -> Shape:
    """The shape in a model folder's `config.json`."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        return _shape(config.get("text_config", config))
    except (OSError, ValueError) as error:
        raise ModelError(f"model {model!r}: {folder / 'config.json'} cannot be read: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"model {model!r}: its config.json does not say {ACCEPTED} in the usual keys") from None


def _shape(config: dict[str, Any]) -> Shape:
    heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
    return Shape(
        layers=int(config["num_hidden_layers"]),
        hidden=hidden,
        intermediate=int(config["intermediate_size"]),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or hidden // heads),
        vocabulary=int(config["vocab_size"]),
        tied=bool(config.get("tie_word_embeddings", False)),
        context=int(config.get("max_position_embeddings") or 4096),
    )
