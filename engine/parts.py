"""Puts a chain together from real parts: the one place where the worker meets torch."""

from __future__ import annotations

from pathlib import Path

from engine.chain import Chain
from engine.judges.local import LocalJudge
from engine.log import Log
from engine.models import LoadedModel, load_model
from engine.packs import open_pack
from engine.provenance import file_hashes
from engine.resume import check_resume
from engine.samplers.transformers import TransformersSampler
from engine.spec import RunSpec
from engine.trainers.trl import TrlTrainer


def build_chain(spec: RunSpec, folder: Path, log: Log) -> tuple[Chain, list[str]]:
    """The chain of a run folder, after its resume checks, and the notes that its start records.

    A judge of the run's own model shares its weights.
    """
    pack = open_pack(spec.data.pack)
    check_resume(spec, folder, log.state, pack, file_hashes(spec.run.model, spec.judge.model))
    model = load_model(spec.run.model, spec.execution.device, spec.execution.threads)
    if spec.run.regime != "sdf":
        model.require_chat_template()
    judge = _judge_model(spec, model)
    chain = Chain(
        spec=spec,
        pack=pack,
        folder=folder,
        sampler=TransformersSampler(model),
        trainer=TrlTrainer(model),
        judge=LocalJudge(judge),
        log=log,
    )
    return chain, list(model.notes)


def _judge_model(spec: RunSpec, model: LoadedModel) -> LoadedModel:
    if spec.judge.model == spec.run.model:
        return model
    return load_model(spec.judge.model, spec.execution.device, spec.execution.threads)
