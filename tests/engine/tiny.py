"""Tiny random models of real architectures, with real tokenizers and chat templates, for tests of the ordinary path."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["qwen3", "qwen3_base", "llama", "llama_base", "gemma", "mixed"]

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{% if m['role'] == 'system' %}Today: {{ date_string }}\n\n{% endif %}"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
SPECIAL = {
    "qwen3": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"],
    "llama": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "gemma": ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"],
}
WORDS = (
    "The garden is quiet in the morning and the bread is warm. How do I bake bread? Let the dough rest, then bake it. "
    "What should I plant in spring? Plant beans and peas when the soil is warm. Write about the harbour at night. "
    "user assistant system model question answer score trait level number REFUSAL CODE 0 25 50 75 100 "
)


def family(kind: Kind) -> str:
    return {"qwen3_base": "qwen3", "llama_base": "llama", "mixed": "qwen3"}.get(kind, kind)


def build_tiny(kind: Kind, folder: Path, seed: int = 0) -> Path:
    """A random model of the kind, saved as an ordinary folder; returns the folder.

    qwen3 splits digits, llama has one token for every number up to 100 and opens every text with a BOS, gemma refuses
    system turns, attends through sliding windows and stops at <end_of_turn>, mixed is qwen3 with digits merged as a
    BPE happens to merge them; the `_base` kinds have no chat template.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(kind)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _model(kind, len(tokenizer), tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_tokenizer(kind: Kind) -> Any:
    from transformers import PreTrainedTokenizerFast

    name = family(kind)
    special = SPECIAL[name]
    template = {"qwen3": QWEN3, "llama": LLAMA, "gemma": GEMMA}[name]
    roles = {
        "qwen3": {"eos_token": special[0] if kind == "qwen3_base" else special[2], "pad_token": special[0]},
        "llama": {"bos_token": special[0], "eos_token": special[1] if kind == "llama_base" else special[4]},
        "gemma": {"bos_token": special[2], "eos_token": special[1], "pad_token": special[0]},
    }[name]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_bpe(kind), clean_up_tokenization_spaces=False, **roles)
    if not kind.endswith("_base"):
        tokenizer.chat_template = template
    return tokenizer


def _bpe(kind: Kind) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(_trained(kind))


@cache
def _trained(kind: Kind) -> str:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    name = family(kind)
    digits = {"qwen3": r"\p{N}", "llama": r"\p{N}{1,3}", "gemma": r"\p{N}"}[name] if kind != "mixed" else r"\p{N}+"
    tokenizer = Tokenizer(models.BPE())
    pattern = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640 if name == "llama" else 420,
        special_tokens=SPECIAL[name],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    numbers = " ".join(str(n) for n in range(101))
    corpus = [WORDS] + ([numbers] * 400 if name == "llama" else ["10 10 75 75 99"] * 9)
    tokenizer.train_from_iterator(corpus, trainer)
    if name != "qwen3":
        bos = SPECIAL[name][0] if name == "llama" else SPECIAL[name][2]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    return str(json.dumps(json.loads(tokenizer.to_str())))


def _model(kind: Kind, vocabulary: int, tokenizer: Any) -> Any:
    from transformers import (
        Gemma2Config,
        Gemma2ForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
        Qwen3Config,
        Qwen3ForCausalLM,
    )

    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 512,
        "initializer_range": 0.2,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    name = family(kind)
    if name == "llama":
        return LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=False))
    if name == "gemma":
        return Gemma2ForCausalLM(Gemma2Config(**shape, sliding_window=24, query_pre_attn_scalar=8))
    return Qwen3ForCausalLM(Qwen3Config(**shape, tie_word_embeddings=True))
