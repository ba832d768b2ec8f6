"""A run's own model as its chain, its judge and a canary use it, wherever its weights lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import psutil
import torch

from engine.judges.forward import NumberReader, Reading
from engine.memory import SPARE, Room
from engine.models import LoadedModel
from engine.peak import Peak, ThisProcess
from engine.reading import read_logps
from engine.samplers.transformers import TransformersSampler
from engine.scorers.transformers import TransformersScorer
from engine.seams import Answer, Completion, Draw, Likelihood, Sampler, Scorer, Trainer, Training, TrainJob
from engine.spec import SampleSettings
from engine.trainers.trl import TrlTrainer


class OwnModel(Sampler, Trainer, Scorer, Peak, Protocol):
    """Draws, trains, measures and judges with one copy of the weights."""

    @property
    def loaded(self) -> LoadedModel:
        """Tokenizer and what the model says of itself; its weights only where they lie in this process."""
        ...

    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """P(0)…p(100) as the next number after each prompt, under M_init."""
        ...

    def logps(
        self, adapter: Path | None, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """Log p of each answer after its prompt, in nats, both as token ids, under M_init or with the adapter."""
        ...

    def room(self) -> Room:
        """The memory of the device, as if this worker used none of it; of several, that which has least."""
        ...

    def free(self) -> int:
        """Bytes that a training may take now, on the device that has least."""
        ...


@dataclass(frozen=True)
class InProcess:
    """An OwnModel whose weights lie in this process."""

    loaded: LoadedModel

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """See `engine.seams.Sampler`."""
        return TransformersSampler(self.loaded).draw(draws, adapter, settings, chat=chat)

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """See `engine.seams.Trainer`."""
        return self._trainer.train(jobs)

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Likelihood]:
        """See `engine.seams.Scorer`."""
        return self._scorer.likelihoods(answers, adapter, settings, chat=chat)

    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """See `OwnModel`."""
        self.loaded.use(None)
        return self._reader.read(prompts)

    def logps(
        self, adapter: Path | None, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """See `OwnModel`."""
        self.loaded.use(adapter)
        return read_logps(self.loaded, prompts, answers)

    def room(self) -> Room:
        """See `OwnModel`; on a CPU the machine's memory."""
        return device_room(self.loaded.device)

    def free(self) -> int:
        """See `OwnModel`."""
        return free_for_training(self.loaded.device)

    def forget(self) -> None:
        """See `engine.peak.Peak`."""
        ThisProcess().forget()

    def peak(self) -> int:
        """See `engine.peak.Peak`."""
        return ThisProcess().peak()

    @cached_property
    def _trainer(self) -> TrlTrainer:
        return TrlTrainer(self.loaded)

    @cached_property
    def _scorer(self) -> TransformersScorer:
        return TransformersScorer(self.loaded)

    @cached_property
    def _reader(self) -> NumberReader:
        return NumberReader(self.loaded)


def free_for_training(device: torch.device) -> int:
    """Bytes of the device that a training may take now: what nobody uses, this process's own cache, less the spare."""
    if device.type == "cpu":
        return int(psutil.virtual_memory().available)
    free, total = torch.cuda.mem_get_info(device)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free + cached - int(total * SPARE)


def device_room(device: torch.device) -> Room:
    """The device's memory as if this process used none of it."""
    host = psutil.virtual_memory()
    if device.type == "cpu":
        return Room(total=host.total, free=host.available, host_free=host.available)
    free, total = torch.cuda.mem_get_info(device)
    own = torch.cuda.memory_reserved(device)
    return Room(total=total, free=free + own, host_free=host.available)
