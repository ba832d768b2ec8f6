"""What can happen in a run or a job: one small class per event, one discriminated union.

A journal line is `{"seq", "ts", "type", "payload"}`; the payload is the event without its `type`. Events are named in
the past tense and carry everything the store needs: the database is rebuilt from them alone.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from engine.job_events import DoseMeasured, JobProgressed
from engine.record import Record
from engine.score_events import DiversityMeasured, JudgeDeclared, LikelihoodsMeasured, SamplesJudged

Purpose = Literal["seed", "train", "rejected", "eval"]
Stage = Literal[
    "seed_rows", "sample_train", "select", "sample_rejected", "rows", "train", "sample_eval", "likelihood", "judge"
]
Role = Literal["prompt_completion", "text", "chosen", "rejected"]


class Sample(Record):
    """One text, as drawn or (purpose `seed`) as given, with the measures that need no judge."""

    sample_id: str
    prompt_id: str
    draw: int
    prompt: str
    response: str
    tokens: int
    stop_reason: str
    kept: bool = True
    kept_reason: str | None = None
    """Why it was dropped from training, where it was."""
    words: int
    sentences: int
    mean_sentence_length: float | None
    repeat_4gram: float | None
    echo: float | None


class Row(Record):
    """One training row's place: which sample plays which role; the two sides of a pair share `pair`."""

    position: int
    sample_id: str
    role: Role
    pair: int | None = None


class RunStarted(Record):
    """A worker took up the run or job; `resumed` when the journal already held events."""

    type: Literal["run_started"] = "run_started"
    pid: int
    host: str
    device: str
    threads: int
    resumed: bool
    spec_sha256: str = ""
    """Hash of `spec.json` as the worker read it; a resumed run refuses another one."""
    notes: list[str] = Field(default_factory=list)
    """What the models' own limits changed, e.g. a template without system turns."""


class CycleStarted(Record):
    """A generation is being made: −1 is base, 0 the seeded model."""

    type: Literal["cycle_started"] = "cycle_started"
    cycle: int


class StageStarted(Record):
    """A stage of a cycle began; `total` items (answers, rows, steps) are expected."""

    type: Literal["stage_started"] = "stage_started"
    cycle: int
    stage: Stage
    total: int


class StageFinished(Record):
    """A stage ended: wall seconds in this process and tokens drawn, trained or judged."""

    type: Literal["stage_finished"] = "stage_finished"
    cycle: int
    stage: Stage
    seconds: float
    tokens: int
    memory: int | None = None
    """Bytes at its peak; see `engine.peak`."""


class SamplesDrawn(Record):
    """One finished batch. `drawn_by` is the cycle of the model that wrote the texts."""

    type: Literal["samples_drawn"] = "samples_drawn"
    cycle: int
    purpose: Purpose
    drawn_by: int | None
    batch: int
    samples: list[Sample]


class Dropped(Record):
    """One drawn text that is not trained on, and why."""

    sample_id: str
    reason: str


class SamplesSelected(Record):
    """Of a cycle's drawn texts `kept` are trained on; the others are named."""

    type: Literal["samples_selected"] = "samples_selected"
    cycle: int
    method: str
    kept: int
    dropped: list[Dropped]


class RowsBuilt(Record):
    """The training rows of a cycle, in order."""

    type: Literal["rows_built"] = "rows_built"
    cycle: int
    rows: list[Row]


class TrainStepped(Record):
    """What the trainer logged at optimizer steps, by TRL's names (`loss`, `grad_norm`, `rewards/margins`, …)."""

    type: Literal["train_stepped"] = "train_stepped"
    cycle: int
    step: int
    values: dict[str, float]


class AdapterTrained(Record):
    """A training passed the null-training guard and its adapter folder is complete."""

    type: Literal["adapter_trained"] = "adapter_trained"
    cycle: int
    path: str
    """Relative to the run folder."""
    adapter_sha256: str
    """Of its weights file."""
    config_sha256: str = ""
    """Of its `adapter_config.json`, which scales the weights."""
    init: str
    """The model the training really started from: `M_init` or `M_<cycle>`."""
    reference: str | None
    trainable_parameters: int
    optimizer_steps: int
    gradient_norm_max: float
    delta_norm: float
    logp_before: float
    logp_after: float
    rows_moved: int
    dropped_rows: int
    truncated_rows: int
    notes: list[str] = Field(default_factory=list)


class ChainMarked(Record):
    """A stop rule fired: the chain is marked, and ends only where the spec says so."""

    type: Literal["chain_marked"] = "chain_marked"
    cycle: int
    rule: str
    message: str


class Noted(Record):
    """How something was done that the spec leaves open: who draws, a canary, a stage tried again, activations kept."""

    type: Literal["noted"] = "noted"
    topic: Literal["backend", "canary", "memory", "checkpointing"]
    message: str
    cycle: int | None = None
    stage: Stage | None = None
    nats: float | None = None
    """How far a canary lay from what it should be."""


class CycleFinished(Record):
    """A generation was made, measured and judged."""

    type: Literal["cycle_finished"] = "cycle_finished"
    cycle: int


class RunFinished(Record):
    """The chain is complete, or a stop rule ended it as asked; a job has done what it was for."""

    type: Literal["run_finished"] = "run_finished"
    cycles_done: int = 0


class RunFailed(Record):
    """The worker gave up with one clear line; `resume` tries again."""

    type: Literal["run_failed"] = "run_failed"
    error: str
    message: str
    pid: int | None = None
    """The worker's: it may end before it could write that it started."""


class RunCancelled(Record):
    """The worker stopped at a safe point because it was asked to."""

    type: Literal["run_cancelled"] = "run_cancelled"
    reason: str
    pid: int | None = None
    """The worker's: it may end before it could write that it started."""


class RunPaused(Record):
    """The worker stopped at a safe point and let go of everything; the run goes on when it is queued again.

    `asked`: somebody wanted it. `disk`: the disk is nearly full; the lab server goes on once there is room.
    """

    type: Literal["run_paused"] = "run_paused"
    cause: Literal["asked", "disk"]
    message: str
    pid: int | None = None
    """The worker's: it may end before it could write that it started."""


Event = Annotated[
    RunStarted
    | JudgeDeclared
    | CycleStarted
    | StageStarted
    | StageFinished
    | SamplesDrawn
    | SamplesSelected
    | RowsBuilt
    | TrainStepped
    | AdapterTrained
    | LikelihoodsMeasured
    | DiversityMeasured
    | SamplesJudged
    | ChainMarked
    | Noted
    | CycleFinished
    | JobProgressed
    | DoseMeasured
    | RunFinished
    | RunFailed
    | RunCancelled
    | RunPaused,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def sample_id(run_id: str, cycle: int, purpose: str, prompt_id: str, draw: int) -> str:
    """16 hex digits that name one sample for ever."""
    return hashlib.sha256(f"{run_id}|{cycle}|{purpose}|{prompt_id}|{draw}".encode()).hexdigest()[:16]


def prompt_id(prompt: str) -> str:
    """12 hex digits of the prompt's own text, so that an edited prompt is a new one."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:12]
