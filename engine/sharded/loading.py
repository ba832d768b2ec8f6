"""Loads a model in parts, each process its own, and what the worker needs of it, which is no weights at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import distributed
from torch.distributed import FileStore  # type: ignore[attr-defined]
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.distributed.configuration_utils import DistributedConfig

from engine.models import (
    LoadedModel,
    attention,
    dtype_on,
    find_source,
    load_config,
    load_tokenizer,
    load_weights,
    place_on,
    quiet,
    wrap_model,
)
from engine.sharded.requests import Start

PATIENCE = timedelta(hours=2)
"""How long shards wait for each other: one may read its part from a slow disk long after the others have theirs."""


def load_shard(start: Start) -> LoadedModel:
    """Meet the other shards and load this one's part of the weights, read from safetensors by FSDP2's plan.

    Frozen layers are gathered one at a time while they compute; embeddings and the output layer, which TRL reads
    directly, stay gathered after their first use. Raises ModelError as `engine.models.load_model` does.
    """
    torch.set_num_threads(start.threads)
    place = place_on(start.device)
    backend = "gloo" if place.type == "cpu" else "nccl"
    distributed.init_process_group(
        backend, store=FileStore(start.meeting, start.shards), rank=start.rank, world_size=start.shards,
        device_id=None if place.type == "cpu" else torch.device("cuda", 0), timeout=PATIENCE,
    )  # fmt: skip
    source = find_source(start.model)
    with quiet(), _first_device():
        tokenizer = load_tokenizer(start.model, source)
        model = load_weights(start.model, source, place, DistributedConfig(fsdp_size=start.shards))
    loaded = wrap_model(start.model, model, tokenizer, merges=False, agree=_as_the_first)
    _gather_once(loaded)
    return loaded


def describe_model(name: str, device: str) -> LoadedModel:
    """The model as the worker sees it whose weights are in shards: tokenizer, context and stops, no weight in memory.

    Raises ModelError as `engine.models.load_model` does.
    """
    place = place_on(device)
    source = find_source(name)
    with quiet():
        tokenizer = load_tokenizer(name, source)
        config = load_config(name, source)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                config, dtype=dtype_on(place), attn_implementation=attention(config)
            )
        model.generation_config = _generation_config(source) or model.generation_config
    return wrap_model(name, model, tokenizer, device=place)


def _generation_config(source: str) -> GenerationConfig | None:
    """What is beside the weights; it may name tokens that end an answer."""
    try:
        return GenerationConfig.from_pretrained(source)
    except OSError:
        return None


@contextmanager
def _first_device() -> Iterator[None]:
    """Tell transformers that this process's only GPU is its own; accelerate, later, must not be told: it would take
    over what is done in step already.
    """
    os.environ["LOCAL_RANK"] = "0"
    try:
        yield
    finally:
        del os.environ["LOCAL_RANK"]


def _gather_once(loaded: LoadedModel) -> None:
    """Have FSDP2 make the tensors that it gathers into: made in inference mode, trainings could not write to them."""
    tokens = torch.zeros((1, 2), dtype=torch.long, device=loaded.device)
    with torch.no_grad():
        loaded.model(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False)


def _as_the_first(tokens: torch.Tensor) -> torch.Tensor:
    """What the first shard has drawn, so that all draw the same and stay in step whatever rounding does."""
    distributed.broadcast(tokens, 0)
    return tokens
