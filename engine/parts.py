"""Puts a chain together from real parts: the one place where the worker meets torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch

from engine.ancestry import repeated_prompts
from engine.chain import Chain
from engine.halving import HalfAtATime, HalvingJudge, HalvingSampler, HalvingScorer, HalvingTrainer
from engine.judges.known import KnownJudge
from engine.judges.local import LocalJudge
from engine.kept_models import KeptModels
from engine.log import Log
from engine.models import LoadedModel
from engine.packs import Pack, open_pack
from engine.provenance import file_hashes
from engine.resume import check_resume
from engine.scorers.transformers import TransformersScorer
from engine.seams import Judge
from engine.secrets import hide_secrets
from engine.spec import JudgeSettings, RunSpec
from engine.vllm.placing import check_fits, choose


def build_chain(spec: RunSpec, folder: Path, log: Log, models: KeptModels) -> tuple[Chain, list[str]]:
    """The chain of a run folder, after its resume checks, and the notes that its start records.

    A judge of the run's own model shares its weights.
    """
    torch.set_num_threads(spec.execution.threads)
    pack = open_pack(spec.data.pack)
    check_resume(spec, folder, log.state, pack, file_hashes(spec.run.model, spec.judge.local_model))
    check_fits(spec)
    models.keep_only({name for name in (spec.run.model, spec.judge.local_model) if name}, spec.execution.device)
    log.safe_point()
    model = models.take(spec.run.model, spec.execution.device)
    if spec.run.regime != "sdf":
        model.require_chat_template()
    log.safe_point()
    if spec.judge.local_model is not None:
        models.take(spec.judge.local_model, spec.execution.device)
    backend = choose(spec, model, models, log)

    def local(judge: LoadedModel) -> Judge:
        return HalvingJudge(LocalJudge(judge, backend.reader(judge)), HalfAtATime(log))

    judge = build_judge(spec.judge, spec.execution.device, models, lab_of(folder), log.safe_point, local)
    chain = Chain(
        spec=spec,
        pack=pack,
        folder=folder,
        sampler=HalvingSampler(backend.sampler(model), HalfAtATime(log)),
        trainer=HalvingTrainer(backend.trainer(model), HalfAtATime(log)),
        scorer=HalvingScorer(TransformersScorer(model), HalfAtATime(log)),
        judge=judge,
        log=log,
    )
    return chain, [*model.notes, *backend.notes, *_fork_notes(spec, folder, pack)]


def build_judge(
    settings: JudgeSettings,
    device: str,
    models: KeptModels,
    lab: Path | None,
    safe_point: Callable[[], None],
    local: Callable[[LoadedModel], Judge] = LocalJudge,
    repeat: int = 1,
) -> Judge:
    """The judge that the settings mean, over the lab's books where there is a lab; `local` makes one of a model.

    One that is asked a second time has a name, and so books, of its own.
    """
    books = None if lab is None else lab / "judgements"
    if settings.server is None:
        return KnownJudge(local(models.take(settings.model, device)), books, repeat)
    from engine.judges.server import server_judge

    return server_judge(settings, books, safe_point, _say, repeat)


def _say(text: str) -> None:
    print(hide_secrets(text), file=sys.stderr, flush=True)


def lab_of(folder: Path) -> Path | None:
    """The lab whose `runs` folder a run's folder stands in, or a calibration's point (`jobs/ID/points/RUN`)."""
    if folder.parent.name == "runs":
        return folder.parent.parent
    points = folder.parent
    return points.parents[2] if points.name == "points" and points.parents[1].name == "jobs" else None


def _fork_notes(spec: RunSpec, folder: Path, pack: Pack) -> list[str]:
    repeated = repeated_prompts(folder.parent, spec, pack.pool(spec.run.regime))
    if not repeated:
        return []
    return [f"{repeated} training prompts of this fork stood in its inherited cycles too"]
