"""A preflight in figures: bytes, seconds and counts, each with the word for where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["measured", "shape", "mixed", "unknown"]
"""measured: by this lab's own finished stages; shape: from the model's shape and an assumed speed."""


@dataclass(frozen=True)
class StageEstimate:
    """One stage of all runs that will be queued; `seconds` is None where nothing is known of the model."""

    stage: str
    items: int
    seconds: float | None
    source: Source
    runs: int = 0
    """How many past runs it was measured in."""


@dataclass(frozen=True)
class Machine:
    """What there is: bytes free on the lab's disk and kept of it, bytes of memory, runs at a time."""

    disk_free: int
    disk_reserve: int
    memory_free: int
    memory_of: str
    """`memory`, or the GPU's name."""
    device: str
    threads: int
    slots: int


@dataclass(frozen=True)
class Preflight:
    """What queueing a study would ask of this machine; runs that the lab holds finished cost nothing more."""

    runs: int
    controls: int
    finished: int
    """Runs that are done already."""
    unfinished: int
    """Runs that the lab holds and that would go on."""
    stages: tuple[StageEstimate, ...]
    judgements: int
    judge_tokens: int
    """Tokens that the judge reads, at four characters a token."""
    judge_requests: int
    """Requests to judges' servers, one for every number that is asked or drawn; 0 where all judges are local."""
    judge_price: float | None
    """What a server charges for it, in the currency of `price_input`; None where no price is stated."""
    judges: tuple[str, ...]
    memory: int | None
    """Bytes that one worker needs at its peak."""
    disk: int | None
    """Bytes that all new runs leave on the disk."""
    machine: Machine
    models: tuple[str, ...] = ()
    """What each model's tokenizer can do, a line each."""
    unfit: tuple[str, ...] = ()
    """Why a model cannot be loaded or fetched, a line each."""
    memory_source: Source = "shape"
    """measured: scaled by what such runs of this lab took."""
    assumed: tuple[str, ...] = ()
    """What the estimates rest on, a sentence each."""
    short: str = ""
    """That runs will end without a verdict, where they are too short for one."""

    @property
    def seconds(self) -> float | None:
        """Wall time of all stages, spread over the machine's slots; None where a stage is unknown."""
        if any(stage.seconds is None for stage in self.stages):
            return None
        return sum(stage.seconds or 0.0 for stage in self.stages) / max(min(self.machine.slots, self.waiting), 1)

    @property
    def waiting(self) -> int:
        """Runs that have something left to do."""
        return self.runs - self.finished

    @property
    def source(self) -> Source:
        """Where the time comes from, all stages together."""
        found = {stage.source for stage in self.stages if stage.items}
        if not found or found == {"measured"}:
            return "measured"
        return found.pop() if len(found) == 1 else "unknown" if "unknown" in found else "mixed"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against queueing it, a line each."""
        lines = []
        room = self.machine.disk_free - self.machine.disk_reserve
        if self.disk is not None and self.disk > room:
            lines.append(f"the disk has room for {_gb(room)}, {_gb(self.disk)} are needed")
        if self.memory is not None and self.memory > self.machine.memory_free:
            lines.append(
                f"a worker needs about {_gb(self.memory)}, {self.machine.memory_of} has "
                f"{_gb(self.machine.memory_free)} free"
            )
        return (*lines, *self.unfit, *filter(None, [self.short]))


def _gb(count: float) -> str:
    return f"{max(count, 0) / 1e9:.1f} GB"
