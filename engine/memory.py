"""How much memory drawing and training take, by arithmetic alone, and what of it fits on a device together.

All figures are bytes on one device. They are bounds from shapes, made before anything is loaded: constants that no
shape tells (CUDA contexts, graphs, fragments) stand below by name, chosen wide, to be narrowed by what runs record.
Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.errors import ModelError
from engine.shape import Shape

GB = 1_000_000_000
Residency = Literal["resident", "sleep", "exit"]

CONTEXT = GB
"""A process's CUDA context with its libraries' workspaces."""
GRAPHS = 2 * GB
"""vLLM's captured CUDA graphs and its activations beyond the KV cache."""
SPARE = 0.05
"""Share of the device that is planned for nobody: fragments, and what others take in the meantime."""
PROBE_TOKENS = 8192
"""Tokens whose logits `engine.trainers.probe` holds at once."""
HEAD_TOKENS, HEAD_WIDTH = 4096, 32_768
"""A tile of TRL's output layer, which is this wide whatever the vocabulary (`trl.kernels.chunked_logprob`)."""
LEAST_ROWS = 8
"""Answers that vLLM must be able to write side by side to be worth its second copy of the weights."""


@dataclass(frozen=True)
class Load:
    """What a run asks of a device: its model, longest sequence, and how much of it at once."""

    shape: Shape
    length: int
    """Tokens of the longest sequence that is drawn, prompt and answer."""
    rows: int
    """Answers drawn together."""
    train_batch: int
    """Rows of one forward and backward pass; a DPO pair counts as two."""
    train_length: int
    rank: int
    trains: Literal["lora", "full"] = "lora"
    dpo: bool = False
    bytes_each: int = 2
    """Of one weight in memory: 2 for bfloat16, 4 for float32."""
    beside: int = 0
    """What else the worker keeps on the device: the weights of a judge of its own."""
    shards: int = 1
    """GPUs that the worker's own model is spread over, each layer in parts (FSDP)."""

    @property
    def weights(self) -> int:
        """The model's weights, once."""
        return self.shape.parameters * self.bytes_each

    @property
    def held(self) -> int:
        """What the worker's own model takes of each of its GPUs.

        A shard is its part of all weights, embeddings and output layer whole beside it, and two layers: one that
        computes, and the next, which is gathered meanwhile.
        """
        if self.shards == 1:
            return self.weights
        gathered = self.shape.embeddings + 2 * self.shape.linear_parameters // self.shape.layers
        return self.weights // self.shards + gathered * self.bytes_each

    @property
    def training(self) -> int:
        """What a training takes beside the model's weights, on each of its GPUs.

        LoRA: weights, gradients and Adam's two moments in float32 (16 bytes each), DPO's frozen reference adapter, and
        the activations under gradient checkpointing; the LM head is fused, so logits are only formed by the probe
        before and after. Full: a float32 copy with gradients and moments, and DPO's reference as another copy.
        """
        if self.trains == "full":
            return self.shape.parameters * (16 + 4 + (4 if self.dpo else 0)) + self._activations
        return self.lora_states + max(self._activations, self._probe)

    @property
    def _activations(self) -> int:
        """Every layer's input, and one layer in full while it is recomputed, or the output layer."""
        tokens = self.train_batch * self.train_length
        inputs = tokens * self.bytes_each * self.shape.layers * self.shape.hidden
        return inputs + max(tokens * self._one_layer, self._head(tokens))

    def _head(self, tokens: int) -> int:
        """A tile of the output layer, and in float32 the gradient of what it reads."""
        return min(tokens, HEAD_TOKENS) * HEAD_WIDTH * self.bytes_each + tokens * self.shape.hidden * 4

    @property
    def _one_layer(self) -> int:
        """One layer's activations and their gradients, a token."""
        return 3 * self.bytes_each * (sum(outputs for _, outputs in self.shape.linears) + 4 * self.shape.hidden)

    @property
    def kept_per_token(self) -> int:
        """What autograd keeps of one token in a LoRA's forward pass without gradient checkpointing.

        Of each layer: the input of every adapted map, cast for its adapter; queries, keys, values and their result,
        keys and values spread over all heads; the gated MLP's three inner tensors; in float32 what the norms saw, also
        the last one. `tests/engine/test_kept_activations.py` counts the same in a real forward pass.
        """
        shape = self.shape
        h, i, q, kv = shape.hidden, shape.intermediate, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        narrow = 5 * h + q + i + 4 * q + 3 * i + 7 * self.rank
        return shape.layers * (self.bytes_each * narrow + 4 * (2 * h + q + kv)) + 8 * h

    def training_kept(self, tokens: int) -> int:
        """`training` of a LoRA without gradient checkpointing, for batches of `tokens`."""
        kept = tokens * (self.kept_per_token + self._one_layer) + self._head(tokens)
        return self.lora_states + max(kept, self._probe)

    @property
    def lora_states(self) -> int:
        """LoRA weights, gradients and Adam's two moments in float32, and DPO's frozen reference adapter."""
        return self.shape.lora_parameters(self.rank) * (16 + (4 if self.dpo else 0))

    def kept_tokens(self, free: int) -> int:
        """The largest batch, in tokens, that such a training takes in `free` bytes."""
        left = free - self.lora_states
        if left < self._probe:
            return 0
        each, tile = self.kept_per_token + self._one_layer + 4 * self.shape.hidden, HEAD_WIDTH * self.bytes_each
        few = left // (each + tile)
        return few if few < HEAD_TOKENS else (left - HEAD_TOKENS * tile) // each

    @property
    def _probe(self) -> int:
        tokens = max(PROBE_TOKENS, self.train_length)
        return tokens * self.shape.vocabulary * self.bytes_each + self.train_length * self.shape.vocabulary * 4

    @property
    def kv_per_token(self) -> int:
        """What one token leaves in the KV cache."""
        return self.shape.kv_numbers * self.bytes_each

    def serving(self, rows: int, shards: int = 1) -> int:
        """What vLLM takes of each of `shards` GPUs to write `rows` answers side by side.

        Its own weights and LoRA slots, which are split; a cache, whose KV heads are split at most one by one; graphs.
        """
        split = self.weights + 2 * self.shape.lora_parameters(self.rank) * self.bytes_each
        cache = rows * self.length * self.kv_per_token // min(shards, self.shape.kv_heads)
        return split // shards + cache + GRAPHS + CONTEXT

    @property
    def adapter_file(self) -> int:
        """One checkpoint on the disk, in float32."""
        numbers = self.shape.parameters if self.trains == "full" else self.shape.lora_parameters(self.rank)
        return numbers * 4


@dataclass(frozen=True)
class Room:
    """A device's memory now, and how much host memory weights could sleep in; `free` as nobody else uses it."""

    total: int
    free: int
    host_free: int


@dataclass(frozen=True)
class Plan:
    """Where vLLM stays while the worker trains, what share of the device it gets, and why."""

    residency: Residency
    reason: str
    utilization: float
    """vLLM's `gpu_memory_utilization`: its share of the whole device."""
    shards: int = 1
    """GPUs that vLLM is spread over: its own, or those of the worker's model."""


def plan_serving(load: Load, room: Room, wanted: Residency | None = None) -> Plan:
    """The first of resident, sleep, exit that fits beside the worker's own model, on each of that model's GPUs;
    `wanted` allows that one alone.

    Raises ModelError, saying what is needed and what there is, where vLLM fits in no way.
    """
    _check_spread(load.shape, load.shards, "the GPUs of execution.shards, which it shares with the worker's model")
    usable = room.free - int(room.total * SPARE)
    worker = load.held + load.beside + CONTEXT
    least, most = (load.serving(rows, load.shards) for rows in (min(LEAST_ROWS, load.rows), load.rows))
    tries: dict[Residency, tuple[bool, int, str]] = {
        "resident": (
            worker + load.training + least <= usable,
            usable - worker - load.training,
            f"training ({gb(load.training)}) and vLLM ({gb(least)}) fit side by side",
        ),
        "sleep": (
            worker + max(load.training + CONTEXT + GRAPHS, least) <= usable and load.weights <= room.host_free // 2,
            usable - worker,
            f"training ({gb(load.training)}) does not fit beside vLLM ({gb(least)}), which sleeps in "
            f"{gb(load.weights)} of host memory meanwhile",
        ),
        "exit": (
            worker + max(load.training, least) <= usable,
            usable - worker,
            f"training ({gb(load.training)}) fits neither beside vLLM ({gb(least)}) nor beside its sleep: it is "
            "started anew after each training",
        ),
    }
    where = f"{gb(usable)} of {gb(room.total)} usable, {gb(worker)} held by the worker's own models"
    for residency, (fits, share, reason) in tries.items():
        if fits and wanted in (None, residency):
            granted = min(most, share)
            return Plan(residency, f"{reason}; {where}", math.floor(1000 * granted / room.total) / 1000, load.shards)
    what = "vLLM" if wanted is None else f'vLLM with execution.residency = "{wanted}"'
    raise ModelError(
        f"{what} does not fit: it needs {gb(least)} and training {gb(load.training)}; {where}; set execution.sampler "
        '= "transformers", lower sample.max_tokens, train.batch_size or train.max_length, or use a larger GPU.'
    )


def plan_apart(load: Load, rooms: Sequence[Room]) -> Plan:
    """VLLM alone on GPUs of its own, spread over all of them. ModelError, with the figures, where it does not fit."""
    shards = len(rooms)
    _check_spread(load.shape, shards, f"{_gpus(shards)} of its own")
    usable = min(room.free - int(room.total * SPARE) for room in rooms)
    least, most = (load.serving(rows, shards) for rows in (min(LEAST_ROWS, load.rows), load.rows))
    if least > usable:
        fitting = gpus_needed(load, usable)
        more = f"execution.gpus = {load.shards + fitting}" if fitting else "a larger GPU"
        raise ModelError(
            f"vLLM does not fit on {_gpus(shards)} of its own: it needs {gb(least)} of each and {gb(usable)} are "
            f"usable; {more} would do, or lower sample.max_tokens."
        )
    total = max(room.total for room in rooms)
    reason = f"vLLM has {_gpus(shards)} of its own, {gb(least)} needed and {gb(usable)} usable on each"
    return Plan("resident", reason, math.floor(1000 * min(most, usable) / total) / 1000, shards)


def gpus_needed(load: Load, usable: int, most: int = 16) -> int | None:
    """The fewest GPUs with `usable` bytes each that vLLM fits on alone; None where it fits on none."""
    rows = min(LEAST_ROWS, load.rows)
    fitting = (n for n in range(1, most) if spreads(load.shape, n) and load.serving(rows, n) <= usable)
    return next(fitting, None)


def spreads(shape: Shape, shards: int) -> bool:
    """Whether vLLM can spread a model over so many GPUs: heads and the MLP are divided, KV heads too or repeated."""
    whole = shape.heads % shards == 0 and shape.intermediate % shards == 0
    return whole and (shape.kv_heads % shards == 0 or shards % shape.kv_heads == 0)


def _check_spread(shape: Shape, shards: int, where: str) -> None:
    if not spreads(shape, shards):
        allowed = " or ".join(str(count) for count in range(1, 16) if spreads(shape, count))
        raise ModelError(
            f"vLLM cannot be spread over {where}: the model has {shape.heads} heads, {shape.kv_heads} KV heads and an "
            f"MLP {shape.intermediate:,} wide, which have to be divided; give it {allowed} by execution.gpus and "
            "execution.shards."
        )


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"


def check_training(load: Load, room: Room) -> None:
    """Raise ModelError where the model with its training fits on no such device, whoever draws."""
    if _trained(load) <= room.total:
        return
    needed = shards_needed(load, room.total)
    raise ModelError(
        f"a model of {load.shape.parameters / 1e9:.1f} billion weights does not fit"
        f"{'' if load.shards == 1 else f' in {load.shards} shards'}: weights {gb(load.held)} and training "
        f"{gb(load.training)}, but {'the device' if load.shards == 1 else 'each device'} has {gb(room.total)}; "
        f"{_in_shards(needed)}use a larger GPU, a smaller model, or lower train.batch_size or train.max_length."
    )


def shards_needed(load: Load, usable: int, most: int = 16) -> int | None:
    """The fewest GPUs with `usable` bytes each over which the model can be trained; None where none suffice."""
    if load.trains == "full":
        return None
    return next((n for n in range(2, most + 1) if _trained(replace(load, shards=n)) <= usable), None)


def _trained(load: Load) -> int:
    return load.held + load.beside + load.training + CONTEXT


def _in_shards(needed: int | None) -> str:
    return "" if needed is None else f"set execution.gpus = {needed} and execution.shards = {needed}, "


def gb(count: int) -> str:
    """Bytes in gigabytes, as the reasons name them."""
    return f"{count / GB:.1f} GB"
