"""What a training without gradient checkpointing keeps, by `engine.memory`, against what autograd really keeps."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from engine.checkpointing import kept_tokens, plan_checkpointing
from engine.memory import GB, Load, Room, check_training
from engine.shape import Shape
from tests.engine.test_memory import LOAD, QWEN3_32B

ROWS, LENGTH, RANK = 2, 64, 16


def kept_by_autograd(model, padded):
    """Bytes of the distinct tensors that a forward pass in bfloat16 keeps, the model's own weights left out."""
    owned = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept = {}

    def pack(tensor):
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    ids = torch.randint(0, 64, (ROWS, LENGTH))
    mask = torch.ones_like(ids)
    if padded:
        mask[1, LENGTH // 2 :] = 0
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), torch.autocast("cpu", torch.bfloat16):
        model.base_model.model.model(input_ids=ids, attention_mask=mask)
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in owned)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("config", "causal"), [(Qwen3Config, Qwen3ForCausalLM), (LlamaConfig, LlamaForCausalLM)])
@pytest.mark.parametrize(
    ("hidden", "intermediate", "heads", "kv_heads", "head_dim"), [(512, 1536, 8, 2, 64), (256, 1024, 8, 8, 32)]
)
def test_the_arithmetic_bounds_what_autograd_keeps_and_is_no_more_than_a_third_above(
    config, causal, padded, hidden, intermediate, heads, kv_heads, head_dim
):
    settings = config(
        hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=3, num_attention_heads=heads,
        num_key_value_heads=kv_heads, head_dim=head_dim, vocab_size=64, attn_implementation="sdpa",
    )  # fmt: skip
    model = causal(settings).to(torch.bfloat16).requires_grad_(False)
    adapted = get_peft_model(model, LoraConfig(r=RANK, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    shape = Shape(3, hidden, intermediate, heads, kv_heads, head_dim, 64, True, 4096)
    load = Load(shape, LENGTH, ROWS, ROWS, LENGTH, RANK)
    kept = kept_by_autograd(adapted, padded) - shape.lora_parameters(RANK) * 2
    """Adapters cast to bfloat16 do not grow with the tokens: they are no activations."""
    assert kept <= ROWS * LENGTH * load.kept_per_token <= 1.35 * kept


def test_activations_are_kept_where_they_fit_with_a_margin():
    tokens = 2 * 300
    needed = LOAD.training_kept(tokens)
    assert 4 * GB < needed < 7 * GB
    assert not plan_checkpointing(LOAD, tokens, int(needed * 1.26)).on
    tight = plan_checkpointing(LOAD, tokens, int(needed * 1.24))
    assert tight.on
    assert tight.reason.startswith("batches of up to 600 tokens would take ")
    assert plan_checkpointing(LOAD, 2 * 2048, 30 * GB).on


def test_the_largest_batch_that_is_kept_is_the_one_where_the_choice_turns():
    for free in (8 * GB, 20 * GB, 60 * GB):
        tokens = kept_tokens(LOAD, free)
        assert not plan_checkpointing(LOAD, tokens - 1, free).on
        assert plan_checkpointing(LOAD, tokens + 2, free).on
    assert kept_tokens(LOAD, GB) == 0
    large = Load(QWEN3_32B, length=3072, rows=64, train_batch=2, train_length=2048, rank=16)
    check_training(large, Room(80 * GB, 80 * GB, 0))
    assert kept_tokens(large, 80 * GB - large.weights - GB) < 2 * 2048
