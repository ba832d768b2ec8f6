"""What folding the next line of a run or a job needs to know of the earlier ones; it stays small however long it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from engine.score_events import JudgeDeclared
from store.status import Standing


@dataclass
class CycleRow:
    """One row of `cycles`; fields in the order of its columns."""

    run_id: str
    cycle: int
    status: str = "started"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    adapter_path: str | None = None
    adapter_sha256: str | None = None
    init: str | None = None
    reference: str | None = None
    delta_norm: float | None = None
    gradient_norm_max: float | None = None
    trainable_parameters: int | None = None
    optimizer_steps: int | None = None
    logp_before: float | None = None
    logp_after: float | None = None
    training_rows: int | None = None
    rows_moved: int | None = None
    dropped_rows: int | None = None
    truncated_rows: int | None = None
    notes: list[str] = field(default_factory=list)
    stop_rules: list[str] = field(default_factory=list)


@dataclass
class StageRow:
    """One row of `stages`; fields in the order of its columns."""

    run_id: str
    cycle: int
    stage: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float | None = None
    tokens: int | None = None
    device: str | None = None
    total: int | None = None
    memory: int | None = None


Recall = Callable[[str, int], tuple[CycleRow | None, list[StageRow]]]


@dataclass
class RunState:
    """What folding the next event of a run needs to know of the earlier ones."""

    run_id: str
    run_no: int = 0
    """Its number in the stored tables; 0 until its spec was read."""
    standing: Standing = field(default_factory=Standing)
    device: str | None = None
    progress: tuple[int, int] | None = None
    """What a job has done, of how much."""
    cycles: dict[int, CycleRow] = field(default_factory=dict)
    stages: dict[tuple[int, str], StageRow] = field(default_factory=dict)
    judges: dict[str, str] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    """Cycles whose adapters were removed to free disk."""
    recall: Recall | None = None
    """Reads a cycle's rows back that were let go of once the cycle was over."""
    oldest: int = -1
    """Rows of cycles before this one are in the tables, unless they were recalled."""
    recalled: set[int] = field(default_factory=set)

    changed: bool = False
    arrived: bool = False
    """Whether its spec came, so that lineages have to be worked out anew."""
    forked: bool = False
    """Whether that spec is a fork's."""
    changed_cycles: set[int] = field(default_factory=set)
    changed_stages: set[tuple[int, str]] = field(default_factory=set)
    closed_cycles: list[int] = field(default_factory=list)
    declared: list[JudgeDeclared] = field(default_factory=list)
    finished: bool = False

    def cycle(self, cycle: int) -> CycleRow:
        """The cycle's row, marked as changed."""
        self._recall(cycle)
        self.changed_cycles.add(cycle)
        return self.cycles.setdefault(cycle, CycleRow(self.run_id, cycle))

    def stage(self, cycle: int, stage: str) -> StageRow:
        """The stage's row, marked as changed."""
        self._recall(cycle)
        self.changed_stages.add((cycle, stage))
        return self.stages.setdefault((cycle, stage), StageRow(self.run_id, cycle, stage))

    def began(self, cycle: int, stage: str) -> bool:
        """Whether this stage was begun before."""
        self._recall(cycle)
        return (cycle, stage) in self.stages

    def hear(self, at: datetime) -> None:
        """The worker wrote something at this time."""
        standing = self.standing
        silent, heard = standing.silent_at, standing.heard_at
        self.changed |= silent is not None and silent <= at and (heard is None or heard < silent)
        standing.heard_at = at if heard is None else max(heard, at)

    def remove_adapters(self, cycles: Iterable[int]) -> None:
        """The adapters of these cycles are gone: their paths lead nowhere."""
        self.removed.update(cycles)
        for cycle in cycles:
            self._recall(cycle)
            if cycle in self.cycles:
                self.cycle(cycle).adapter_path = None

    def settle(self) -> None:
        """Forget what was new, and the rows of cycles that are over: it has all been written."""
        if self.recall is not None and self.closed_cycles:
            self.oldest, self.recalled = max(self.closed_cycles), set()
            self.cycles = {cycle: row for cycle, row in self.cycles.items() if cycle >= self.oldest}
            self.stages = {key: row for key, row in self.stages.items() if key[0] >= self.oldest}
        self.changed = self.arrived = self.forked = self.finished = False
        self.changed_cycles, self.changed_stages = set(), set()
        self.closed_cycles, self.declared = [], []

    def _recall(self, cycle: int) -> None:
        """Take the rows of a cycle that is over back in."""
        if self.recall is None or cycle >= self.oldest or cycle in self.recalled:
            return
        self.recalled.add(cycle)
        row, stages = self.recall(self.run_id, cycle)
        if row is not None:
            self.cycles[cycle] = row
        self.stages |= {(cycle, stage.stage): stage for stage in stages}
