"""What widgets are given: frozen, plain, already read; nothing here knows a database or a screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from idemtui.speed import StageSpeed
from idemtui.text import one_line
from store.controls import Beside
from store.measures import Measures
from store.methods import is_drawn
from store.queries import Point as StoredPoint
from store.queries import Verdict

if TYPE_CHECKING:
    from idemtui.names import Apart

BASE = -1
"""The cycle of M_init, before anything."""
AMPLIFIED = 15.0
"""The paper's rule: amplified when a late Δ reaches this."""


@dataclass(frozen=True)
class Point:
    """One generation's measurement: trait with its 90 % interval, coherence, answers judged and judged null."""

    cycle: int
    trait: float | None
    low: float | None = None
    high: float | None = None
    coherence: float | None = None
    answers: int = 0
    nulls: int = 0
    delta: float | None = None
    """Δ to M_0, paired by prompt; None where the store was not asked for it."""


def shown_point(point: StoredPoint) -> Point:
    """A generation as the store gives it."""
    return Point(
        point.cycle,
        point.trait,
        point.trait_low,
        point.trait_high,
        point.coherence,
        point.n,
        point.nulls,
        point.delta,
    )


@dataclass(frozen=True)
class Stage:
    """What a live run is doing: `done` of `total` items of one stage of one cycle."""

    cycle: int
    name: str
    done: int
    total: int
    left_seconds: float | None = None
    """To the end of the chain, by how long its stages took before; None where that is not known."""


@dataclass(frozen=True)
class Run:
    """One chain as the lab remembers it now."""

    run_id: str
    study: str
    name: str
    cell: str
    status: str
    trait: str
    model: str
    regime: str
    init: str
    reference: str | None
    rejected: str | None
    cycles: int
    seed: int
    n_seed: int
    n_sampled: int
    points: tuple[Point, ...] = ()
    stage: Stage | None = None
    verdict: Verdict | None = None
    message: str = ""
    """Why it paused or failed, that its worker is silent, or which stop rule marked it."""
    log_tail: tuple[str, ...] = ()
    """The last lines of the worker's log, where the worker ended badly."""
    parent_run_id: str | None = None
    """A fork's parent, whose cycles up to `forked_at_cycle` are this run's own."""
    forked_at_cycle: int | None = None
    judge_method: str | None = None
    """How its own judge came to its scores: `logprobs`, or `sampled-5` where they were drawn."""
    judged_by: str = ""
    """The judge whose scores these are, where somebody chose one; empty for the run's own."""

    @property
    def live(self) -> bool:
        """Whether a worker has it."""
        return self.status == "running"

    @property
    def last(self) -> Point | None:
        """The newest generation that has been measured."""
        return self.points[-1] if self.points else None

    def at(self, cycle: int) -> Point | None:
        """The measurement of one generation."""
        return next((point for point in self.points if point.cycle == cycle), None)

    @property
    def seeded(self) -> float | None:
        """s(M_0), once measured."""
        point = self.at(0)
        return point.trait if point else None

    @property
    def delta(self) -> float | None:
        """Δ of the newest generation: s(M_j) − s(M_0)."""
        last, seeded = self.last, self.seeded
        if last is None or last.trait is None or last.cycle < 1:
            return None
        return last.delta if last.delta is not None else None if seeded is None else last.trait - seeded

    def inherits(self, cycle: int) -> bool:
        """Whether a fork took this generation from its parent."""
        return self.forked_at_cycle is not None and cycle <= self.forked_at_cycle

    @property
    def arm(self) -> str:
        """What starts from where: reset or continual, and what DPO does otherwise."""
        word = {"initial": "reset", "previous": "continual"}.get(self.init, self.init)
        if self.reference and self.reference != self.init:
            word += f" ref {self.reference}"
        if self.rejected == "previous":
            word += " rej previous"
        return word


def run_of(row: Mapping[str, Any], points: Sequence[Point], **more: Any) -> Run:
    """A run from its row in `runs`, with its curve and whatever else is known of it."""
    asked = [field.name for field in fields(Run) if field.name in row and row[field.name] is not None]
    return Run(
        **{**{name: row[name] for name in asked}, "reference": row["reference"], "rejected": row["rejected"]},
        points=tuple(points),
        **more,
    )


def method_of(runs: Sequence[Run]) -> str | None:
    """How the judges of these runs came to their scores; of several runs a method that draws comes first."""
    methods = [run.judge_method for run in runs]
    return next(filter(is_drawn, methods), methods[0] if methods else None)


@dataclass(frozen=True)
class Glance:
    """The whole lab at one moment."""

    runs: tuple[Run, ...]
    cells: tuple[Verdict, ...] = ()
    """Verdicts of cells."""
    judge: str | None = None
    """The judge whose scores all of this is; None for each run's own."""
    owed: int = 0
    """Runs whose verdicts by that judge are still to be worked out."""

    def cell_verdict(self, study: str, cell: str) -> Verdict | None:
        """A cell's verdict, once there is one."""
        return next((v for v in self.cells if (v.study, v.cell) == (study, cell)), None)

    @cached_property
    def by_id(self) -> Mapping[str, Run]:
        """The runs by their ids."""
        return {run.run_id: run for run in self.runs}

    def run(self, run_id: str | None) -> Run | None:
        """The run with this id, if the lab holds it."""
        return None if run_id is None else self.by_id.get(run_id)

    def called(self, run_id: str | None) -> str:
        """A run's name, with its study where the name stands for another run, too; what has none by its id."""
        run = self.run(run_id)
        if run is None:
            return run_id or ""
        return one_line(f"{run.name} · {run.study}" if self._names[run.name] > 1 else run.name)

    @cached_property
    def names(self) -> Apart:
        """What all runs are called, to be told apart where there is little room."""
        from idemtui.names import Apart  # it measures as a terminal does; commands that share this draw nothing

        return Apart([self.called(run_id) for run_id in self.by_id])

    @cached_property
    def _names(self) -> Counter[str]:
        return Counter(run.name for run in self.runs)

    def method(self, run_ids: Sequence[str]) -> str | None:
        """How the judges of these runs came to their scores."""
        return method_of([run for run_id in run_ids if (run := self.by_id.get(run_id))])

    def study(self, run: Run) -> tuple[Run, ...]:
        """All runs of the same study, in the lab's order."""
        return tuple(other for other in self.runs if other.study == run.study)


@dataclass(frozen=True)
class Pulse:
    """A server's answer to "what is new?": the newest change, and what it cannot do just now."""

    version: int
    trouble: str = ""


@dataclass(frozen=True)
class Adapter:
    """One training of a run: what it really started from and how far it moved."""

    cycle: int
    init: str
    reference: str
    optimizer_steps: int | None
    delta_norm: float | None
    gradient_norm_max: float | None
    sha256: str
    made_by: str = ""
    """Name of the run that trained it, where a fork inherited it."""


@dataclass(frozen=True)
class Logged:
    """One event of a run, already in words; `when` is the wall clock's time of day."""

    when: str
    words: str


@dataclass(frozen=True)
class Setting:
    """One value of the frozen specification and where it came from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Trace:
    """One logged quantity of a run's trainings against its optimizer steps, all cycles in a row."""

    name: str
    values: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class RunDetail:
    """Everything the Run screen shows beside the curves."""

    run_id: str
    adapters: tuple[Adapter, ...] = ()
    traces: tuple[Trace, ...] = ()
    starts: tuple[tuple[float, int], ...] = ()
    """Where on the traces' axis each cycle's training begins."""
    events: tuple[Logged, ...] = ()
    settings: tuple[Setting, ...] = ()
    log: tuple[str, ...] = ()
    """The last lines of the worker's log."""
    measures: tuple[Measures, ...] = ()
    """What was measured of its generations beside their scores."""
    coherence: tuple[tuple[int, float, float], ...] = ()
    """By generation the ends of coherence's 90 % interval over prompts."""
    speed: tuple[StageSpeed, ...] = ()
    beside: Beside | None = None
    """What the run's controls did."""
