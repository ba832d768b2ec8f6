"""Where a run's answers are drawn, put into practice: vLLM started beside the worker's own model, or left out."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.backends import check_several, choose_backend, run_load, served_length, served_rank, served_rows
from engine.errors import ModelError, ServingError
from engine.events import Noted
from engine.gpus import gpus_apart, model_gpus, rooms_of
from engine.judges.ahead import AheadReader
from engine.judges.local import Reader
from engine.kept_models import KeptModels
from engine.log import Log
from engine.memory import Plan, Residency, check_training, plan_apart, plan_serving
from engine.model_files import snapshot
from engine.models import LoadedModel
from engine.own_model import OwnModel, device_room
from engine.samplers.vllm import NOTE, VllmSampler
from engine.seams import Sampler, Trainer
from engine.sharded.group import Sharding
from engine.spec import RunSpec
from engine.trainers.fitting import FittingTrainer
from engine.trainers.giving_way import GivingWay
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

    def sampler(self, own: OwnModel) -> Sampler:
        """Who draws."""
        return own if self.served is None else VllmSampler(own, self.served, self._canary)

    def trainer(self, own: OwnModel) -> Trainer:
        """Who trains, keeping activations where they fit; vLLM gives way to it before that is decided."""
        on_cpu = own.loaded.device.type == "cpu"
        trainer = FittingTrainer(
            own, own.loaded, None if on_cpu else run_load(self.spec), self.spec.execution.checkpointing, self.log,
            None if on_cpu else own.free,
        )  # fmt: skip
        return trainer if self.served is None else GivingWay(trainer, self.served)

    def reader(self, own: OwnModel) -> Reader:
        """What reads the numbers of a judge that is the run's own model: vLLM where it serves that."""
        return own if self.served is None else AheadReader(own.loaded.tokenizer, self.served.look_ahead)

    def _canary(self, canary: Canary) -> None:
        who = "M_init" if canary.adapter is None else f"{canary.adapter.parent.name}/{canary.adapter.name}"
        said = f"vLLM serves {who}: {canary.tokens} tokens, {canary.apart:.4f} nats apart"
        self.log.append(Noted(topic="canary", message=said, nats=canary.apart))


def sharding_of(spec: RunSpec) -> Sharding | None:
    """How the run's own model lies in several processes; None where it lies in the worker's.

    Raises ModelError where the worker does not hold a GPU for each.
    """
    asked = spec.execution
    if asked.shards == 1:
        return None
    on_cpu = asked.device == "cpu"
    return Sharding(
        spec.run.model, asked.device, max(asked.threads // asked.shards, 1) if on_cpu else asked.threads, asked.shards,
        () if on_cpu else tuple(model_gpus(asked.shards)),
    )  # fmt: skip


def check_fits(spec: RunSpec) -> None:
    """Raise ModelError where a run's model cannot be trained on its device, before anything is loaded.

    A hub model that is not local yet is loaded and found out.
    """
    load = run_load(spec) if spec.execution.device.startswith("cuda") else None
    if load is None:
        return
    if load.shards > 1:
        for room in rooms_of(model_gpus(load.shards)):
            check_training(load, room)
    elif torch.cuda.is_available():
        check_training(load, device_room(torch.device("cuda")))


def choose(spec: RunSpec, own: OwnModel, models: KeptModels, log: Log) -> Placed:
    """Choose and start what draws; where the spec leaves it open and vLLM cannot be, transformers with the reason.

    Raises ModelError or ServingError where the spec asks for vLLM, or for GPUs that only vLLM would use, and it does
    not fit or start.
    """
    choice = choose_backend(spec)
    check_several(spec, choice)
    if choice.sampler == "transformers":
        return _by_transformers(spec, models, log, choice.reason)
    try:
        plan = plan_for(spec, own, models.served(spec.run.model))
        served = models.serve(spec.run.model, settings_for(spec, own.loaded, plan), plan.residency)
        served.come_up()
    except (ModelError, ServingError) as error:
        if spec.execution.sampler == "vllm" or spec.execution.gpus > spec.execution.shards:
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
        gpus=tuple(_gpus_of_vllm(spec)),
    )


def _gpus_of_vllm(spec: RunSpec) -> list[str]:
    """Its own; else those of a model in shards; none where it shares the one that the worker sees."""
    shards = spec.execution.shards
    if spec.execution.device == "cpu":
        return []
    return gpus_apart(shards) or (model_gpus(shards) if shards > 1 else [])


def plan_for(spec: RunSpec, own: OwnModel, served: ServedModel | None) -> Plan:
    """Residency and share of the device; one that lives keeps its place. ModelError where vLLM does not fit."""
    asked = spec.execution.residency
    wanted: Residency | None = None if asked == "auto" else asked
    if own.loaded.device.type == "cpu":
        return Plan(wanted or "resident", "on a CPU there is no device memory to share", 1.0)
    if served is not None and served.lives:
        return Plan(
            served.residency, "as for the run before", served.settings.utilization, served.settings.shards
        )  # fmt: skip
    load = run_load(spec)
    if load is None:
        raise ModelError(f"model {spec.run.model!r}: its files are not in the hub's cache")
    apart = gpus_apart(load.shards)
    return plan_apart(load, rooms_of(apart)) if apart else plan_serving(load, own.room(), wanted)
