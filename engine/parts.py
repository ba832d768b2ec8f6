"""Puts a chain together from real parts: the one place where the worker meets torch."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.ancestry import repeated_prompts
from engine.arms import check_device
from engine.chain import Chain
from engine.compiler import check_compiler
from engine.halving import HalfAtATime, HalvingJudge, HalvingSampler, HalvingScorer, HalvingTrainer
from engine.judges.build import build_judge
from engine.judges.local import LocalJudge
from engine.kept_models import KeptModels
from engine.log import Log
from engine.own_model import InProcess, OwnModel
from engine.packs import Pack, open_pack
from engine.provenance import file_hashes
from engine.resume import check_resume
from engine.seams import Judge
from engine.spec import RunSpec
from engine.vllm.placing import check_fits, choose, sharding_of


def build_chain(spec: RunSpec, folder: Path, log: Log, models: KeptModels) -> tuple[Chain, list[str]]:
    """The chain of a run folder, after its resume checks, and the notes that its start records.

    A judge of the run's own model shares its weights.
    """
    torch.set_num_threads(spec.execution.threads)
    check_device(spec.name, spec)
    pack = open_pack(spec.data.pack)
    check_resume(spec, folder, log.state, pack, file_hashes(spec.run.model, spec.judge.local_model))
    check_fits(spec)
    check_compiler(spec.execution.device)
    own = _take_models(spec, log, models)
    log.memory = own
    backend = choose(spec, own, models, log)

    def load_judge(name: str) -> Judge:
        if name == spec.run.model:
            judge = LocalJudge(own.loaded, backend.reader(own))
        else:
            judge = LocalJudge(models.take(name, spec.execution.device))
        return HalvingJudge(judge, HalfAtATime(log))

    chain = Chain(
        spec=spec,
        pack=pack,
        folder=folder,
        sampler=HalvingSampler(backend.sampler(own), HalfAtATime(log)),
        trainer=HalvingTrainer(backend.trainer(own), HalfAtATime(log)),
        scorer=HalvingScorer(own, HalfAtATime(log)),
        judge=build_judge(spec.judge, lab_of(folder), log.safe_point, load_judge),
        log=log,
    )
    return chain, [*own.loaded.notes, *_shard_notes(spec), *backend.notes, *_fork_notes(spec, folder, pack)]


def _take_models(spec: RunSpec, log: Log, models: KeptModels) -> OwnModel:
    """The run's own model, and beside it the judge's where that is another local one."""
    device, sharding = spec.execution.device, sharding_of(spec)
    beside = {name for name in (spec.judge.local_model,) if name not in (None, spec.run.model)}
    models.keep_only(beside | (set() if sharding else {spec.run.model}), device, sharding)
    log.safe_point()
    own: OwnModel
    if sharding is None:
        own = InProcess(models.take(spec.run.model, device))
    else:
        own = models.take_sharded(sharding, log.safe_point)
    if spec.run.regime != "sdf":
        own.loaded.require_chat_template()
    log.safe_point()
    for name in beside:
        models.take(name, device)
    return own


def lab_of(folder: Path) -> Path | None:
    """The lab whose `runs` folder a run's folder stands in, or a calibration's point (`jobs/ID/points/RUN`)."""
    if folder.parent.name == "runs":
        return folder.parent.parent
    points = folder.parent
    return points.parents[2] if points.name == "points" and points.parents[1].name == "jobs" else None


def _shard_notes(spec: RunSpec) -> list[str]:
    shards = spec.execution.shards
    return [] if shards == 1 else [f"the model lies in {shards} shards (FSDP), all of which do the same work"]


def _fork_notes(spec: RunSpec, folder: Path, pack: Pack) -> list[str]:
    repeated = repeated_prompts(folder.parent, spec, pack.pool(spec.run.regime))
    if not repeated:
        return []
    return [f"{repeated} training prompts of this fork stood in its inherited cycles too"]
