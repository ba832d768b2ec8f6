"""What widgets are given: frozen, plain, already read; nothing here knows a database or a screen."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Stage:
    """What a live run is doing: `done` of `total` items of one stage of one cycle."""

    cycle: int
    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Verdict:
    """What the protocol says of one chain: the paper's rule, and the mean of its late Δ with a 90 % interval."""

    amplified: bool | None
    a: float | None
    late: float | None
    low: float | None
    high: float | None
    suffixes: tuple[str, ...] = ()


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
    """Why it failed, or which stop rule marked it."""

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
        if last is None or last.trait is None or seeded is None or last.cycle < 1:
            return None
        return last.trait - seeded

    @property
    def arm(self) -> str:
        """What starts from where: reset or continual, and what DPO does otherwise."""
        word = "reset" if self.init == "initial" else "continual"
        if self.reference and self.reference != self.init:
            word += f" ref {self.reference}"
        if self.rejected == "previous":
            word += " rej previous"
        return word


@dataclass(frozen=True)
class Glance:
    """The whole lab at one moment."""

    runs: tuple[Run, ...]

    def run(self, run_id: str | None) -> Run | None:
        """The run with this id, if the lab holds it."""
        return next((run for run in self.runs if run.run_id == run_id), None)

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


@dataclass(frozen=True)
class SampleFilter:
    """Which samples a list holds; None means all."""

    run_id: str | None = None
    cycle: int | None = None
    purpose: str | None = "eval"
    order: str = "drawn"


@dataclass(frozen=True)
class SampleLine:
    """One sample as a line of a list; texts are their first characters."""

    sample_id: str
    run_name: str
    cycle: int
    purpose: str
    prompt: str
    opening: str
    trait: float | None
    coherence: float | None
    kept: bool = True


@dataclass(frozen=True)
class Judgement:
    """What one judge said of one sample."""

    metric: str
    value: float | None
    label: str
    mass: float | None = None
    variance: float | None = None


@dataclass(frozen=True)
class SampleText:
    """One sample in full."""

    sample_id: str
    run_name: str
    cycle: int
    purpose: str
    prompt_id: str
    draw: int
    drawn_by: int | None
    prompt: str
    response: str
    tokens: int
    stop_reason: str
    kept: bool
    kept_reason: str | None
    mean_sentence_length: float | None
    repeat_4gram: float | None
    echo: float | None
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One answer of one generation to a ladder's prompt."""

    cycle: int
    draw: int
    response: str
    trait: float | None
    coherence: float | None


@dataclass(frozen=True)
class Prompt:
    """One evaluation prompt of a run."""

    prompt_id: str
    text: str


@dataclass(frozen=True)
class Rungs:
    """Every answer to one prompt, from base to the newest generation."""

    run_id: str
    prompt: Prompt
    answers: tuple[Answer, ...]

    @property
    def cycles(self) -> tuple[int, ...]:
        """The generations that answered, in order."""
        return tuple(sorted({answer.cycle for answer in self.answers}))

    @property
    def draws(self) -> tuple[int, ...]:
        """The draws that any generation has."""
        return tuple(sorted({answer.draw for answer in self.answers}))

    def answer(self, cycle: int, draw: int) -> Answer | None:
        """One generation's answer of one draw."""
        return next((a for a in self.answers if a.cycle == cycle and a.draw == draw), None)

    def trait(self, cycle: int) -> float | None:
        """The prompt's mean trait score at one generation."""
        values = [a.trait for a in self.answers if a.cycle == cycle and a.trait is not None]
        return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Table:
    """The rows of one query, at most the asked number; `more` says that there were others."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    seconds: float
    more: bool = False
    numeric: frozenset[str] = frozenset()
