"""Puts a chain together from real parts: the one place where the worker meets torch."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.ancestry import repeated_prompts
from engine.chain import Chain
from engine.halving import HalfAtATime, HalvingJudge, HalvingSampler, HalvingTrainer
from engine.judges.local import LocalJudge
from engine.kept_models import KeptModels
from engine.log import Log
from engine.packs import Pack, open_pack
from engine.provenance import file_hashes
from engine.resume import check_resume
from engine.spec import RunSpec
from engine.vllm.placing import choose


def build_chain(spec: RunSpec, folder: Path, log: Log, models: KeptModels) -> tuple[Chain, list[str]]:
    """The chain of a run folder, after its resume checks, and the notes that its start records.

    A judge of the run's own model shares its weights.
    """
    torch.set_num_threads(spec.execution.threads)
    pack = open_pack(spec.data.pack)
    check_resume(spec, folder, log.state, pack, file_hashes(spec.run.model, spec.judge.model))
    models.keep_only({spec.run.model, spec.judge.model}, spec.execution.device)
    log.safe_point()
    model = models.take(spec.run.model, spec.execution.device)
    if spec.run.regime != "sdf":
        model.require_chat_template()
    log.safe_point()
    judge = models.take(spec.judge.model, spec.execution.device)
    backend = choose(spec, model, models, log)
    chain = Chain(
        spec=spec,
        pack=pack,
        folder=folder,
        sampler=HalvingSampler(backend.sampler(model), HalfAtATime(log)),
        trainer=HalvingTrainer(backend.trainer(model), HalfAtATime(log)),
        judge=HalvingJudge(LocalJudge(judge, backend.reader(judge)), HalfAtATime(log)),
        log=log,
    )
    return chain, [*model.notes, *backend.notes, *_fork_notes(spec, folder, pack)]


def _fork_notes(spec: RunSpec, folder: Path, pack: Pack) -> list[str]:
    repeated = repeated_prompts(folder.parent, spec, pack.pool(spec.run.regime))
    if not repeated:
        return []
    return [f"{repeated} training prompts of this fork stood in its inherited cycles too"]
