"""A model whose weights lie in several processes, as a chain uses it: an `engine.own_model.OwnModel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from engine.judges.forward import Reading
from engine.memory import Room
from engine.models import LoadedModel
from engine.seams import Answer, Completion, Draw, Likelihood, Training, TrainJob
from engine.sharded.group import ShardGroup
from engine.sharded.requests import (
    DrawAnswers,
    ForgetAdapters,
    ForgetPeak,
    LookAround,
    MeasureAnswers,
    ReadAnswers,
    ReadNumbers,
    TellPeak,
    TrainAdapter,
)
from engine.spec import SampleSettings


class ShardedModel:
    """An OwnModel; every call is made in all shards at once, and the first one's answer is the answer."""

    def __init__(self, loaded: LoadedModel, group: ShardGroup) -> None:
        """`loaded` is the model without its weights, for its tokenizer and what it says of itself."""
        self.loaded, self.group = loaded, group

    def come_up(self, safe_point: Callable[[], None]) -> None:
        """Start the shards, or have those that live be M_init again; see `ShardGroup.ask`."""
        self.group.ask(ForgetAdapters(), safe_point=safe_point)

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """See `engine.seams.Sampler`."""
        drawn: list[Completion] = self.group.ask(DrawAnswers(draws, adapter, settings, chat))[0]
        return drawn

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """See `engine.seams.Trainer`; a job may stop at any moment, since ending the shards leaves nothing behind."""
        return [self._train(job) for job in jobs]

    def _train(self, job: TrainJob) -> Training:
        trained: Training = self.group.ask(
            TrainAdapter.of(job), lambda stepped: job.on_step(stepped.step, stepped.values), job.safe_point
        )[0]
        return trained

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Likelihood]:
        """See `engine.seams.Scorer`."""
        found: list[Likelihood] = self.group.ask(MeasureAnswers(answers, adapter, settings, chat))[0]
        return found

    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """See `engine.judges.local.Reader`."""
        read: list[Reading] = self.group.ask(ReadNumbers(prompts))[0]
        return read

    def logps(
        self, adapter: Path | None, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """See `engine.own_model.OwnModel`."""
        logps: list[float] = self.group.ask(ReadAnswers(adapter, prompts, answers))[0]
        return logps

    def room(self) -> Room:
        """Of the device that has least, as if neither shards nor worker used any: the first may hold a judge, too."""
        rooms: list[Room] = [room for room, _ in self.group.ask(LookAround())]
        rooms[0] = replace(rooms[0], free=rooms[0].free + torch.cuda.memory_reserved())
        return min(rooms, key=lambda room: room.free)

    def free(self) -> int:
        """On the device that has least."""
        free: list[int] = [free for _, free in self.group.ask(LookAround())]
        return min(free)

    def forget(self) -> None:
        """See `engine.peak.Peak`."""
        self.group.ask(ForgetPeak())

    def peak(self) -> int:
        """See `engine.peak.Peak`: of the shard that took most."""
        peaks: list[int] = self.group.ask(TellPeak())
        return max(peaks)
