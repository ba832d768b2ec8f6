"""What the worker asks of the shards of its model: each request goes to every shard, and each of them does it.

Requests and answers are plain data, pickled over pipes between processes of one program.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.memory import Room
from engine.seams import Answer, Completion, Draw, Likelihood, Training, TrainJob
from engine.spec import SampleSettings

if TYPE_CHECKING:
    from engine.judges.forward import Reading
    from engine.own_model import InProcess


@dataclass(frozen=True)
class Start:
    """The first thing that a shard is told: which one it is, of what, and where it meets the others."""

    model: str
    device: str
    threads: int
    rank: int
    shards: int
    meeting: str
    """A file through which they find each other."""
    worker: int
    """The process without which a shard has no business."""


@dataclass(frozen=True)
class Ready:
    """The shard is loaded."""


@dataclass(frozen=True)
class Stepped:
    """An optimizer step of the training that is under way, as `engine.seams.StepCallback` takes it."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """It could not be done; the shard may be out of step with the others."""

    error: Exception


@dataclass(frozen=True)
class Shard:
    """One shard at work: the model as this process has it, and how it tells of steps."""

    model: InProcess
    rank: int
    tell: Callable[[Stepped], None]


class Request(Protocol):
    """Something that every shard does together with the others."""

    def do(self, shard: Shard) -> Any:
        """The shard's answer."""
        ...


@dataclass(frozen=True)
class DrawAnswers:
    """See `engine.seams.Sampler`."""

    draws: Sequence[Draw]
    adapter: Path | None
    settings: SampleSettings
    chat: bool

    def do(self, shard: Shard) -> list[Completion]:
        """The same answers in every shard: the first one's tokens are everybody's."""
        return shard.model.draw(self.draws, self.adapter, self.settings, chat=self.chat)


@dataclass(frozen=True)
class TrainAdapter:
    """See `engine.seams.Trainer`; the job as it can be sent, without its callbacks."""

    job: TrainJob

    @staticmethod
    def of(job: TrainJob) -> TrainAdapter:
        """A job stripped of what stays with the worker."""
        return TrainAdapter(replace(job, on_step=_nothing, safe_point=_nowhere))

    def do(self, shard: Shard) -> Training:
        """Every shard trains on all rows, and writes its adapter, which takes all of them; the first one's is kept."""
        if shard.rank:
            with tempfile.TemporaryDirectory(prefix="idemtui-shard-") as folder:
                return shard.model.train([replace(self.job, output=Path(folder, "adapter"))])[0]
        told = replace(self.job, on_step=lambda step, values: shard.tell(Stepped(step, dict(values))))
        return shard.model.train([told])[0]


@dataclass(frozen=True)
class MeasureAnswers:
    """See `engine.seams.Scorer`."""

    answers: Sequence[Answer]
    adapter: Path | None
    settings: SampleSettings
    chat: bool

    def do(self, shard: Shard) -> list[Likelihood]:
        """Likelihoods."""
        return shard.model.likelihoods(self.answers, self.adapter, self.settings, chat=self.chat)


@dataclass(frozen=True)
class ReadNumbers:
    """The probabilities of 0…100 as the next number after prompts, under M_init: a judge's question."""

    prompts: Sequence[Sequence[int]]

    def do(self, shard: Shard) -> list[Reading]:
        """Readings."""
        return shard.model.read(self.prompts)


@dataclass(frozen=True)
class ReadAnswers:
    """Log p of answers after their prompts, all as token ids: what a canary is held against."""

    adapter: Path | None
    prompts: Sequence[Sequence[int]]
    answers: Sequence[Sequence[int]]

    def do(self, shard: Shard) -> list[float]:
        """Nats, one sum an answer."""
        return shard.model.logps(self.adapter, self.prompts, self.answers)


@dataclass(frozen=True)
class LookAround:
    """How much memory there is on the shard's device, and what a training may take of it now."""

    def do(self, shard: Shard) -> tuple[Room, int]:
        """As if this process used none of it; what is free."""
        return shard.model.room(), shard.model.free()


@dataclass(frozen=True)
class ForgetAdapters:
    """Be M_init again, as a process just started."""

    def do(self, shard: Shard) -> None:
        """Nothing is kept of earlier runs."""
        shard.model.loaded.switch.forget()


@dataclass(frozen=True)
class ForgetPeak:
    """Begin to look for the peak of memory anew."""

    def do(self, shard: Shard) -> None:
        """See `engine.peak`."""
        shard.model.forget()


@dataclass(frozen=True)
class TellPeak:
    """Bytes at the peak since then."""

    def do(self, shard: Shard) -> int:
        """See `engine.peak`."""
        return shard.model.peak()


def _nothing(step: int, values: Mapping[str, float]) -> None:
    """Steps that nobody hears of."""


def _nowhere() -> None:
    """A safe point that never stops: the worker ends the shards where it stops."""
