"""What a study finds on a GPU, by the arithmetic that its worker will go by (`engine.memory`)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.arms import check_device
from engine.backends import check_backend, check_several, choose_backend, run_load
from engine.checkpointing import kept_tokens
from engine.compiler import check_compiler
from engine.errors import IdemtuiError
from engine.memory import (
    CONTEXT,
    SPARE,
    Load,
    Plan,
    Room,
    check_training,
    gpus_needed,
    plan_apart,
    plan_serving,
)
from engine.spec import RunSpec
from idemtui.preflight.facts import Machine


def on_gpu(spec: RunSpec) -> RunSpec:
    """The run as it will be on a GPU: who draws and how wide a weight is depends on that."""
    return spec.model_copy(update={"execution": spec.execution.model_copy(update={"device": "cuda"})})


def gpu_bytes(spec: RunSpec) -> int | None:
    """What a worker takes of each GPU while it trains, vLLM left out; None where the shape of its model is unknown."""
    load = _load(spec)
    return None if load is None else load.held + load.beside + load.training + CONTEXT


def placing_words(specs: Iterable[RunSpec], machine: Machine) -> tuple[str, ...]:
    """For each model, who draws on the GPU and where vLLM stays meanwhile, or why it does not fit."""
    words: dict[str, None] = {}
    for spec in map(on_gpu, specs):
        load = _load(spec)
        if load is not None:
            words[f"{spec.run.model}: {_placed(spec, load, machine)}"] = None
    return tuple(words)


def _placed(spec: RunSpec, load: Load, machine: Machine) -> str:
    import psutil

    room = Room(machine.memory_free, machine.memory_free, psutil.virtual_memory().available)
    asked = spec.execution.residency
    try:
        check_device(spec.name, spec)
        check_backend(spec.name, spec)
        check_compiler(spec.execution.device)
        check_training(load, room)
        choice = choose_backend(spec)
        check_several(spec, choice)
        if choice.sampler == "transformers":
            return f"transformers draws ({choice.reason}); {_checkpointing(spec, load, room, None)}"
        if spec.execution.gpus > load.shards:
            plan = plan_apart(load, [room] * (spec.execution.gpus - load.shards))
            return f"vLLM draws: {plan.reason}; {_checkpointing(spec, load, room, None)}"
    except IdemtuiError as error:
        return str(error)
    try:
        plan = plan_serving(load, room, None if asked == "auto" else asked)
    except IdemtuiError as error:
        return f"{error}{_with_more_gpus(load, room)}"
    return f"vLLM draws, {plan.residency}: {plan.reason}; {_checkpointing(spec, load, room, plan)}"


def _with_more_gpus(load: Load, room: Room) -> str:
    """How many GPUs like this one it would take for vLLM to draw all the same."""
    needed = gpus_needed(load, room.free - int(room.total * SPARE))
    return "" if needed is None else f" With execution.gpus = {load.shards + needed} vLLM draws on GPUs of its own."


def _checkpointing(spec: RunSpec, load: Load, room: Room, plan: Plan | None) -> str:
    """What will become of gradient checkpointing, which each training decides by its own longest row."""
    asked = spec.execution.checkpointing
    if asked != "auto":
        return f"gradient checkpointing {asked}, as the study says"
    beside = int(plan.utilization * room.total) if plan is not None and plan.residency == "resident" else 0
    free = room.free - int(room.total * SPARE) - load.held - load.beside - CONTEXT - beside
    row = min(kept_tokens(load, free) // load.train_batch, load.train_length)
    if row == load.train_length:
        return "gradient checkpointing off: activations of the longest rows fit"
    return f"gradient checkpointing off for rows of up to {row:,} tokens, on for longer ones"


def _load(spec: RunSpec) -> Load | None:
    try:
        return run_load(on_gpu(spec))
    except IdemtuiError:
        return None
