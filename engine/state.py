"""What a run's or a job's journal says has been done: the only thing a restarted worker knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.events import (
    AdapterTrained,
    ChainMarked,
    CycleFinished,
    CycleStarted,
    Event,
    Purpose,
    Row,
    RowsBuilt,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    Sample,
    SamplesDrawn,
    SamplesSelected,
    StageFinished,
    TrainStepped,
)
from engine.job_events import DoseMeasured, JobProgressed
from engine.score_events import DiversityMeasured, JudgeDeclared, LikelihoodsMeasured, SamplesJudged, Score


@dataclass
class State:
    """A journal, folded."""

    started: bool = False
    finished: bool = False
    spec_sha256: str = ""
    """Of the spec that the first worker read."""
    cycles_started: set[int] = field(default_factory=set)
    cycles_finished: set[int] = field(default_factory=set)
    stages_finished: set[tuple[int, str]] = field(default_factory=set)
    batches: dict[tuple[int, Purpose], dict[int, list[Sample]]] = field(default_factory=dict)
    selected: set[int] = field(default_factory=set)
    """Cycles whose drawn texts were selected from."""
    rows: dict[int, list[Row]] = field(default_factory=dict)
    adapters: dict[int, AdapterTrained] = field(default_factory=dict)
    scores: dict[tuple[int, str], dict[int, list[Score]]] = field(default_factory=dict)
    likelihoods: dict[int, set[int]] = field(default_factory=dict)
    """Batches of each cycle whose likelihoods were measured."""
    diversity: set[int] = field(default_factory=set)
    """Cycles whose distinct-n was measured."""
    judges: set[tuple[str, str]] = field(default_factory=set)
    marks: set[tuple[int, str]] = field(default_factory=set)
    drawn_by: dict[tuple[int, Purpose], int | None] = field(default_factory=dict)
    margins: dict[int, float] = field(default_factory=dict)
    """DPO's last reward margin of each training."""
    progress: tuple[int, int] | None = None
    """What a job has done, of how much."""
    doses: dict[tuple[int, int], DoseMeasured] = field(default_factory=dict)
    """What a calibration measured, by n_seed and run seed."""

    def samples(self, cycle: int, purpose: Purpose) -> list[Sample]:
        """All samples of a purpose drawn so far, in the order of the batch plan."""
        batches = self.batches.get((cycle, purpose), {})
        return [sample for batch in sorted(batches) for sample in batches[batch]]

    def values(self, cycle: int, metric: str) -> list[Score]:
        """All scores of a metric so far, in the order of the batch plan."""
        batches = self.scores.get((cycle, metric), {})
        return [score for batch in sorted(batches) for score in batches[batch]]

    def apply(self, event: Event) -> None:
        """Take in one event; what only watchers need (steps, stage starts) leaves no trace."""
        match event:
            case RunStarted():
                self.started, self.finished = True, False
                self.spec_sha256 = self.spec_sha256 or event.spec_sha256
            case CycleStarted():
                self.cycles_started.add(event.cycle)
            case CycleFinished():
                self.cycles_finished.add(event.cycle)
            case StageFinished():
                self.stages_finished.add((event.cycle, event.stage))
            case SamplesDrawn():
                self.batches.setdefault((event.cycle, event.purpose), {})[event.batch] = event.samples
                self.drawn_by[event.cycle, event.purpose] = event.drawn_by
            case SamplesSelected():
                self._drop(event)
            case RowsBuilt():
                self.rows[event.cycle] = event.rows
            case TrainStepped() if "rewards/margins" in event.values:
                self.margins[event.cycle] = event.values["rewards/margins"]
            case AdapterTrained():
                self.adapters[event.cycle] = event
            case LikelihoodsMeasured():
                self.likelihoods.setdefault(event.cycle, set()).add(event.batch)
            case DiversityMeasured():
                self.diversity.add(event.cycle)
            case SamplesJudged():
                self.scores.setdefault((event.cycle, event.metric), {})[event.batch] = event.scores
            case JudgeDeclared():
                self.judges.add((event.judge_id, event.metric))
            case ChainMarked():
                self.marks.add((event.cycle, event.rule))
            case JobProgressed():
                self.progress = event.done, event.total
            case DoseMeasured():
                self.doses[event.n_seed, event.seed] = event
            case RunFinished():
                self.finished = True
            case RunFailed() | RunCancelled() | RunPaused():
                self.finished = False
            case _:
                pass

    def _drop(self, event: SamplesSelected) -> None:
        self.selected.add(event.cycle)
        reasons = {each.sample_id: each.reason for each in event.dropped}
        for batch, samples in self.batches.get((event.cycle, "train"), {}).items():
            self.batches[event.cycle, "train"][batch] = [
                sample.model_copy(update={"kept": False, "kept_reason": reasons[sample.sample_id]})
                if sample.sample_id in reasons
                else sample
                for sample in samples
            ]


def fold(events: Iterable[Event]) -> State:
    """The state after all events."""
    state = State()
    for event in events:
        state.apply(event)
    return state
