"""What a run does about memory that does not suffice: each part tries once more with half as much at a time.

A training that kept its activations is first tried again without keeping them, by `engine.trainers.fitting`.

What is drawn, judged and trained stays the same: draws depend on their keys alone, and a training's halves are
accumulated into the same optimizer steps. After that a part works in halves to the end of the run, and a second want of
memory is the run's failure.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from engine.events import Noted, StageStarted
from engine.failures import out_of_memory
from engine.log import Log
from engine.seams import (
    Answer,
    Completion,
    Draw,
    Judge,
    Judgement,
    JudgeQuestion,
    Likelihood,
    Sampler,
    Scorer,
    Trainer,
    Training,
    TrainJob,
)
from engine.spec import SampleSettings

T = TypeVar("T")


@dataclass
class HalfAtATime:
    """Whether a part works in halves, and the log that learns of it."""

    log: Log
    halved: bool = False

    def __call__(self, size: int, work: Callable[[int], T], began: Callable[[], None] = lambda: None) -> T:
        """`work(1)`, or after memory ran out `work(2)`; `size` is what there is to halve, `began` is called before a
        second try.
        """
        if self.halved and size > 1:
            return work(2)
        try:
            return work(1)
        except Exception as error:
            if self.halved or size < 2 or not out_of_memory(error):
                raise
        # Here the failed attempt's tensors are no longer held by its traceback.
        free_memory()
        self.halved = True
        began()
        self._note(size)
        return work(2)

    def _note(self, size: int) -> None:
        cycle, stage = self.log.under_way or (None, None)
        said = f"memory ran out with {size} at a time; tried once more, and from here on, with {-(-size // 2)}"
        self.log.append(Noted(topic="memory", message=said, cycle=cycle, stage=stage))


def free_memory() -> None:
    """Give back to the device what nobody holds any more."""
    gc.collect()
    torch.cuda.empty_cache()


@dataclass(frozen=True)
class HalvingSampler:
    """A Sampler."""

    sampler: Sampler
    half: HalfAtATime

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """See `engine.seams.Sampler`."""

        def work(parts: int) -> list[Completion]:
            return [
                completion
                for part in split(draws, parts)
                for completion in self.sampler.draw(part, adapter, settings, chat=chat)
            ]

        return self.half(len(draws), work)


@dataclass(frozen=True)
class HalvingScorer:
    """A Scorer."""

    scorer: Scorer
    half: HalfAtATime

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Likelihood]:
        """See `engine.seams.Scorer`."""

        def work(parts: int) -> list[Likelihood]:
            return [
                likelihood
                for part in split(answers, parts)
                for likelihood in self.scorer.likelihoods(part, adapter, settings, chat=chat)
            ]

        return self.half(len(answers), work)


class HalvingJudge:
    """A Judge."""

    def __init__(self, judge: Judge, half: HalfAtATime) -> None:
        self._judge, self._half = judge, half
        self.judge_id, self.model, self.method = judge.judge_id, judge.model, judge.method

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """See `engine.seams.Judge`."""

        def work(parts: int) -> list[Judgement]:
            return [judgement for part in split(questions, parts) for judgement in self._judge.score(part)]

        return self._half(len(questions), work)


@dataclass(frozen=True)
class HalvingTrainer:
    """A Trainer of one job at a time."""

    trainer: Trainer
    half: HalfAtATime

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """See `engine.seams.Trainer`."""
        return [self._train(job) for job in jobs]

    def _train(self, job: TrainJob) -> Training:
        def work(parts: int) -> Training:
            return self.trainer.train([replace(job, accumulated=parts > 1)])[0]

        return self.half(job.settings.batch_size, work, lambda: begin_again(self.half.log, len(job.rows)))


def begin_again(log: Log, rows: int) -> None:
    """Say that the stage starts over, so that nobody counts the first attempt's steps."""
    if log.under_way is not None:
        cycle, stage = log.under_way
        log.append(StageStarted(cycle=cycle, stage=stage, total=rows))


def split(items: Sequence[T], parts: int) -> list[Sequence[T]]:
    """The items in at most `parts` runs of nearly one size, in order."""
    size = -(-len(items) // parts) or 1
    return [items[i : i + size] for i in range(0, len(items), size)]
