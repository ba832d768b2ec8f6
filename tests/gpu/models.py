"""Models of real shapes with random weights, made on the spot: no hub, no download."""

from __future__ import annotations

import json
from pathlib import Path

from engine.shape import Shape
from tests.engine.tiny import build_tokenizer

QWEN3_4B = Shape(36, 2560, 9728, 32, 8, 128, 151_936, True, 32_768)


def build(shape: Shape, folder: Path, device: str) -> Path:
    """A Qwen3 of this shape in bfloat16, its weights drawn on `device`, with a tokenizer that splits digits."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = build_tokenizer("qwen3")
    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied,
        initializer_range=0.05,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="bfloat16",
    )
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = Qwen3ForCausalLM(config)
    finally:
        torch.set_default_dtype(default)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _fill_vocabulary(folder / "tokenizer.json", shape.vocabulary)
    return folder


def _fill_vocabulary(path: Path, size: int) -> None:
    """Give every id that the model can draw a text of its own."""
    written = json.loads(path.read_text())
    vocabulary = written["model"]["vocab"]
    taken = {*vocabulary.values(), *(token["id"] for token in written["added_tokens"])}
    vocabulary.update({f"w{number}": number for number in range(size) if number not in taken})
    path.write_text(json.dumps(written))
