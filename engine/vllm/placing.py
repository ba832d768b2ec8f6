"""Where a run's answers are drawn, put into practice: vLLM started beside the worker's own model, or left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import psutil
import torch

from engine.backends import check_several, choose_backend, run_load, served_length, served_rank, served_rows
from engine.errors import ModelError, ServingError
from engine.events import Noted
from engine.judges.ahead import AheadReader
from engine.kept_models import KeptModels
from engine.log import Log
from engine.memory import SPARE, Plan, Residency, Room, check_training, plan_apart, plan_serving
from engine.model_files import snapshot
from engine.models import LoadedModel
from engine.samplers.transformers import TransformersSampler
from engine.samplers.vllm import NOTE, VllmSampler
from engine.seams import Sampler, Trainer
from engine.spec import RunSpec
from engine.trainers.fitting import FittingTrainer
from engine.trainers.giving_way import GivingWay
from engine.trainers.trl import TrlTrainer
from engine.vllm.apart import gpus_apart, rooms_apart
from engine.vllm.canary import Canary
from engine.vllm.messages import EngineSettings
from engine.vllm.served import ServedModel


@dataclass(frozen=True)
class Placed:
    """The parts of a chain that depend on who draws; `served` is None where transformers does."""

    notes: tuple[str, ...]
    served: ServedModel | None
    log: Log
    spec: RunSpec

    def sampler(self, model: LoadedModel) -> Sampler:
        """Who draws."""
        return TransformersSampler(model) if self.served is None else VllmSampler(model, self.served, self._canary)

    def trainer(self, model: LoadedModel) -> Trainer:
        """Who trains, keeping activations where they fit; vLLM gives way to it before that is decided."""
        on_cpu = model.device.type == "cpu"
        trainer = FittingTrainer(
            TrlTrainer(model), model, None if on_cpu else run_load(self.spec), self.spec.execution.checkpointing,
            self.log, None if on_cpu else partial(free_for_training, model.device),
        )  # fmt: skip
        return trainer if self.served is None else GivingWay(trainer, self.served)

    def reader(self, judge: LoadedModel) -> AheadReader | None:
        """What reads a judge's numbers, None for forward passes: vLLM reads those of the model that it serves."""
        if self.served is None or self.served.name != judge.name:
            return None
        return AheadReader(judge.tokenizer, self.served.look_ahead)

    def _canary(self, canary: Canary) -> None:
        who = "M_init" if canary.adapter is None else f"{canary.adapter.parent.name}/{canary.adapter.name}"
        said = f"vLLM serves {who}: {canary.tokens} tokens, {canary.apart:.4f} nats apart"
        self.log.append(Noted(topic="canary", message=said, nats=canary.apart))


def check_fits(spec: RunSpec) -> None:
    """Raise ModelError where a run's model cannot be trained on its device, before anything is loaded.

    A hub model that is not local yet is loaded and found out.
    """
    load = run_load(spec) if spec.execution.device.startswith("cuda") and torch.cuda.is_available() else None
    if load is not None:
        check_training(load, device_room(torch.device("cuda")))


def choose(spec: RunSpec, model: LoadedModel, models: KeptModels, log: Log) -> Placed:
    """Choose and start what draws; where the spec leaves it open and vLLM cannot be, transformers with the reason.

    Raises ModelError or ServingError where the spec asks for vLLM, or for GPUs that only vLLM would use, and it does
    not fit or start.
    """
    choice = choose_backend(spec)
    check_several(spec, choice)
    if choice.sampler == "transformers":
        return _by_transformers(spec, models, log, choice.reason)
    try:
        plan = plan_for(spec, model, models.served(model.name))
        served = models.serve(model.name, settings_for(spec, model, plan), plan.residency)
        served.come_up()
    except (ModelError, ServingError) as error:
        if spec.execution.sampler == "vllm" or spec.execution.gpus > 1:
            raise
        return _by_transformers(spec, models, log, str(error))
    notes = (f"answers are drawn by {choice.reason}", f"vLLM's residency is {plan.residency}: {plan.reason}", NOTE)
    return Placed(notes, served, log, spec)


def _by_transformers(spec: RunSpec, models: KeptModels, log: Log, reason: str) -> Placed:
    models.stop_serving()
    return Placed((f"answers are drawn by transformers: {reason}",), None, log, spec)


def settings_for(spec: RunSpec, model: LoadedModel, plan: Plan) -> EngineSettings:
    """How vLLM is started for a run."""
    return EngineSettings(
        model=str(snapshot(model.name) or model.name),
        dtype=str(model.model.dtype).removeprefix("torch."),
        device=model.device.type,
        length=served_length(spec, model.context),
        rank=served_rank(spec),
        rows=served_rows(spec),
        utilization=plan.utilization,
        sleeps=plan.residency == "sleep",
        shards=plan.shards,
    )


def plan_for(spec: RunSpec, model: LoadedModel, served: ServedModel | None) -> Plan:
    """Residency and share of the device; one that lives keeps its place. ModelError where vLLM does not fit."""
    asked = spec.execution.residency
    wanted: Residency | None = None if asked == "auto" else asked
    if model.device.type == "cpu":
        return Plan(wanted or "resident", "on a CPU there is no device memory to share", 1.0)
    if served is not None and served.lives:
        return Plan(
            served.residency, "as for the run before", served.settings.utilization, served.settings.shards
        )  # fmt: skip
    load = run_load(spec)
    if load is None:
        raise ModelError(f"model {model.name!r}: its files are not in the hub's cache")
    apart = gpus_apart()
    return plan_apart(load, rooms_apart(apart)) if apart else plan_serving(load, device_room(model.device), wanted)


def free_for_training(device: torch.device) -> int:
    """Bytes of the device that a training may take now: what nobody uses, this process's own cache, less the spare."""
    free, total = torch.cuda.mem_get_info(device)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free + cached - int(total * SPARE)


def device_room(device: torch.device) -> Room:
    """The device's memory as if this process used none of it."""
    free, total = torch.cuda.mem_get_info(device)
    own = torch.cuda.memory_reserved(device)
    return Room(total=total, free=free + own, host_free=psutil.virtual_memory().available)
