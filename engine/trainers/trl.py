"""Trains adapters or all weights with TRL on a model in memory, and measures what each training really did."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from peft import PeftModel

from engine.errors import GuardError
from engine.models import LoadedModel
from engine.seams import Training, TrainJob
from engine.trainers.dpo import prepare_dpo
from engine.trainers.full import FullWeights, copied
from engine.trainers.lora import LoraWeights, attach, rank_notes
from engine.trainers.prepared import Prepared
from engine.trainers.probe import choose, row_logps
from engine.trainers.session import StepWatch, borrowed, epochs_taken, quiet, run_trainer, seeded
from engine.trainers.sft import prepare_sft


class TrlTrainer:
    """A Trainer on a model in memory: jobs one by one, each leaving the base model as it found it."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # TRL collects garbage after every training; this spares it the libraries' half a million objects

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """Results in the order of `jobs`; see `engine.seams.Trainer`.

        Raises TrainingError at NaN, GuardError where no row is left to train on, ModelError where the chat template
        does not carry a training.
        """
        return [self._train(job) for job in jobs]

    def _train(self, job: TrainJob) -> Training:
        if job.method != "sdf":
            self._loaded.require_chat_template()
        with seeded(job.seed), quiet() as folder, borrowed(self._loaded):
            model = _trainable(self._loaded, job)
            prepare = prepare_dpo if job.method == "dpo" else prepare_sft
            prepared = prepare(self._loaded, model, job, folder)
            job.safe_point()
            if not prepared.targets:
                raise GuardError(
                    f"no training row is left: all {len(job.rows)} are empty or longer than max_length "
                    f"{job.settings.max_length}; raise train.max_length"
                )
            return self._run(job, model, prepared)

    def _run(self, job: TrainJob, model: Any, prepared: Prepared) -> Training:
        probed = choose(prepared.targets)
        adapted = isinstance(model, PeftModel)
        weights = LoraWeights(model) if adapted else FullWeights(model)
        before = row_logps(model, self._loaded, probed)
        if not any(weight.requires_grad for weight in model.parameters()):
            raise GuardError("no parameter is trainable; check train.lora_rank and the model's layers")
        watch = StepWatch(job.on_step)
        run_trainer(prepared.trainer, watch)
        after = row_logps(model, self._loaded, probed)
        job.safe_point()
        adapter_sha256, config_sha256 = weights.save(self._loaded.name, job.output)
        return Training(
            adapter_sha256=adapter_sha256,
            config_sha256=config_sha256,
            trainable_parameters=weights.trainable,
            optimizer_steps=watch.steps,
            gradient_norm_max=watch.gradient_norm_max,
            delta_norm=weights.delta_norm(),
            logp_before=sum(before) / len(before),
            logp_after=sum(after) / len(after),
            rows_moved=sum(a != b for a, b in zip(before, after, strict=True)),
            tokens=round(prepared.tokens * epochs_taken(job.settings, len(prepared.targets))),
            dropped_rows=prepared.dropped_rows,
            truncated_rows=prepared.truncated_rows,
            notes=self._loaded.notes + (rank_notes(model, job.settings) if adapted else ()),
        )


def _trainable(loaded: LoadedModel, job: TrainJob) -> Any:
    """The model with one trainable adapter, or a copy of it that is trainable throughout."""
    if job.settings.method == "full":
        return copied(loaded, job.start).requires_grad_(True)
    return attach(loaded, job.start, job.settings)
