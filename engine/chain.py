"""The chain: what this project exists for.

Base is measured, M_0 is trained on the seed data, then each cycle draws from its predecessor, builds rows, trains,
guards, measures and judges (protocol §2):

    measure(M_init)
    M_0 = train(M_init, D_seed)
    for j in 1..N:  D_j = select(sample(M_{j-1}, fresh prompts));  M_j = train(init_j, D_j)

Every step first asks the journal whether it was done, so the same code starts a chain and goes on with one. What is
left out: what D_j is made of (`engine.gathering`, `engine.selecting`), how models draw, train, measure and judge
(`engine.seams`), which model starts, writes and is measured where, also in a control (`engine.lineage`), what became of
earlier attempts (`engine.state`), and what stands in the runs that a fork goes on from (`engine.ancestry`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.adapter_files import room_for_next
from engine.diversity import measure_diversity
from engine.drawing import draw_samples
from engine.events import (
    AdapterTrained,
    ChainMarked,
    CycleFinished,
    CycleStarted,
    RunFinished,
    Sample,
    TrainStepped,
)
from engine.gathering import Gathering
from engine.guard import check_training
from engine.judging import judge_samples, rubrics
from engine.keys import training_seed
from engine.likelihoods import measure_likelihoods
from engine.lineage import BASE, Lineage, lineage, measured, model_name
from engine.log import Log
from engine.packs import Pack
from engine.prompt_plan import eval_draws
from engine.rows import build_rows
from engine.seams import Judge, Sampler, Scorer, Trainer, Training, TrainJob
from engine.spec import RunSpec
from engine.stops import fired_rules


@dataclass
class Chain:
    """One run being walked; `folder` is the run's."""

    spec: RunSpec
    pack: Pack
    folder: Path
    sampler: Sampler
    trainer: Trainer
    scorer: Scorer
    judge: Judge
    log: Log

    def run(self) -> None:
        """Walk from wherever the journal ends to the end of the chain."""
        for cycle in range(BASE, self.spec.run.cycles + 1):
            if cycle not in self.log.state.cycles_finished:
                self._make_generation(cycle)
            if self._ends_here(cycle):
                break
        self.log.append(RunFinished(cycles_done=cycle))

    def _make_generation(self, cycle: int) -> None:
        if cycle not in self.log.state.cycles_started:
            self.log.append(CycleStarted(cycle=cycle))
        models = lineage(self.spec.run, cycle)
        if models is not None:
            self._train(models)
        self._measure(cycle)
        self.log.append(CycleFinished(cycle=cycle))

    def _train(self, models: Lineage) -> None:
        if models.cycle in self.log.state.adapters:
            return
        examples = self._gathering.examples(models)
        self._train_adapter(models, build_rows(self.log, self.spec.run.regime, models.cycle, examples))

    @cached_property
    def _gathering(self) -> Gathering:
        return Gathering(self.spec, self.pack, self.log, self.sampler, self.judge, self._adapter)

    def _train_adapter(self, models: Lineage, rows: list[dict[str, str]]) -> None:
        path = f"cycles/{models.cycle:02d}/adapter"
        job = TrainJob(
            method=self.spec.run.regime,
            start=self._adapter(models.init),
            reference=None if models.reference is None else self._adapter(models.reference),
            rows=rows,
            settings=self.spec.seed_train if models.seeding else self.spec.train,
            seed=training_seed(self.spec.run.seed, models.cycle),
            output=self.folder / path,
            on_step=lambda step, values: self._stepped(models.cycle, step, values),
            safe_point=self.log.safe_point,
        )
        self.log.safe_point(room_for_next(self.folder / trained.path for trained in self.log.state.adapters.values()))
        with self.log.stage(models.cycle, "train", len(rows)) as tokens:
            training = self.trainer.train([job])[0]
            check_training(training)
            tokens.count = training.tokens
            self.log.append(_adapter_trained(models, path, training))

    def _stepped(self, cycle: int, step: int, values: Mapping[str, float]) -> None:
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        self.log.append(TrainStepped(cycle=cycle, step=step, values=finite))
        self.log.safe_point()

    def _measure(self, cycle: int) -> None:
        trait = self.pack.trait(self.spec.run.trait)
        sdf = self.spec.run.regime == "sdf"
        model = measured(self.spec.run, cycle)
        adapter = self._adapter(model)
        samples = draw_samples(
            self.log,
            self.sampler,
            self.spec,
            cycle=cycle,
            purpose="eval",
            drawn_by=model,
            adapter=adapter,
            plan=eval_draws(trait.eval_openings if sdf else trait.eval_prompts, self.spec.eval.samples_per_prompt),
            settings=self.spec.eval,
        )
        measure_diversity(self.log, self.spec, cycle=cycle, samples=samples)
        measure_likelihoods(self.log, self.scorer, self.spec, cycle=cycle, adapter=adapter, samples=samples)
        judge_samples(
            self.log,
            self.judge,
            self._rubrics,
            cycle=cycle,
            samples=samples,
            settings=self.spec.judge,
        )
        self._mark(cycle, samples)

    @cached_property
    def _rubrics(self) -> dict[str, str]:
        return rubrics(self.pack, self.spec)

    def _mark(self, cycle: int, samples: list[Sample]) -> None:
        coherence, margin = self.log.state.values(cycle, "coherence"), self.log.state.margins.get(cycle)
        for mark in fired_rules(self.spec.run.regime, samples, coherence, margin):
            if (cycle, mark.rule) not in self.log.state.marks:
                self.log.append(ChainMarked(cycle=cycle, rule=mark.rule, message=mark.message))

    def _ends_here(self, cycle: int) -> bool:
        marked = any(mark_cycle == cycle for mark_cycle, _ in self.log.state.marks)
        return marked and self.spec.run.on_stop == "end"

    def _adapter(self, cycle: int) -> Path | None:
        return None if cycle == BASE else self.folder / self.log.state.adapters[cycle].path


def _adapter_trained(models: Lineage, path: str, training: Training) -> AdapterTrained:
    return AdapterTrained(
        cycle=models.cycle,
        path=path,
        adapter_sha256=training.adapter_sha256,
        config_sha256=training.config_sha256,
        init=model_name(models.init),
        reference=None if models.reference is None else model_name(models.reference),
        trainable_parameters=training.trainable_parameters,
        optimizer_steps=training.optimizer_steps,
        gradient_norm_max=training.gradient_norm_max,
        delta_norm=training.delta_norm,
        logp_before=training.logp_before,
        logp_after=training.logp_after,
        rows_moved=training.rows_moved,
        dropped_rows=training.dropped_rows,
        truncated_rows=training.truncated_rows,
        notes=list(training.notes),
    )
