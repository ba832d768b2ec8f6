"""A trainer before which vLLM leaves the device, as far as its residency says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.seams import Trainer, Training, TrainJob
from engine.vllm.served import ServedModel


@dataclass(frozen=True)
class GivingWay:
    """A Trainer."""

    trainer: Trainer
    served: ServedModel

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """See `engine.seams.Trainer`; ProcessError where vLLM does not let go."""
        self.served.give_way()
        return self.trainer.train(jobs)
