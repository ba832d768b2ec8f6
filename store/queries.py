"""The lab's typed questions: runs, curves, progress, training, verdicts. Texts are in `store.texts`.

Each takes anything that answers SQL (a `store.client.Client`) and returns frozen plain data; times are UTC.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from engine.errors import UsageError
from store.result import Asked

Row = TypeVar("Row")


@dataclass(frozen=True)
class Run:
    """One chain: its settings, where it stands, and its newest finished point."""

    run_id: str
    study: str
    name: str
    cell: str
    replicate: int
    trait: str
    model: str
    regime: str
    init: str
    reference: str | None
    rejected: str | None
    n_seed: int
    n_sampled: int
    cycles: int
    seed: int
    control: str | None
    status: str
    message: str | None
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    last_cycle: int | None
    """The newest finished cycle; None before base is measured."""
    score: float | None
    """s(M) there."""
    delta: float | None
    coherence: float | None


@dataclass(frozen=True)
class Point:
    """One finished generation: s(M) with its 90 % interval, coherence, Δ to M_0 paired by prompt."""

    run_id: str
    cycle: int
    trait: float | None
    trait_se: float | None
    trait_low: float | None
    trait_high: float | None
    coherence: float | None
    n: int
    nulls: int
    delta: float | None


@dataclass(frozen=True)
class Progress:
    """What a run is doing: the stage that began last, and how many of its items (answers, rows) are done."""

    run_id: str
    cycle: int
    stage: str
    done: int
    total: int
    started_at: datetime
    finished: bool


@dataclass(frozen=True)
class Step:
    """One number the trainer logged."""

    cycle: int
    step: int
    name: str
    value: float


@dataclass(frozen=True)
class Verdict:
    """One row of `verdicts`, with the run's name where it is of one run."""

    scope: str
    run_id: str | None
    name: str | None
    study: str
    cell: str
    replicates: int
    amplified_by_paper: bool | None
    a: float | None
    l: float | None  # noqa: E741 (the protocol's letter)
    ci_low: float | None
    ci_high: float | None
    label: str | None
    suffixes: tuple[str, ...]
    notes: tuple[str, ...]
    judged: int | None = None
    """Replicates that the numbers are made of."""
    boot_low: float | None = None
    boot_high: float | None = None
    """The bootstrap's 90 % interval, from ten replicates on."""
    p_drift: float | None = None
    q_drift: float | None = None
    """Of "L is 0", and adjusted over the study's cells."""
    p_above: float | None = None
    q_above: float | None = None
    """Of "L is not above 5", likewise."""
    sd_samples: float | None = None
    sd_prompts: float | None = None
    sd_replicates: float | None = None
    sd_shared_prompts: float | None = None
    """Where the variance comes from, in points (docs/statistics.md)."""
    needed_samples: int | None = None
    needed_prompts: int | None = None
    needed_replicates: int | None = None
    cheapest: str | None = None
    """How many of each alone would decide an UNDECIDED cell, and which costs least."""
    retention: float | None = None
    half_life: float | None = None
    half_life_reason: str | None = None


@dataclass(frozen=True)
class Rate:
    """How often something is so in a study, its controls (`control`) apart, with Wilson's 95 % interval."""

    study: str
    control: str | None
    scope: str
    what: str
    hits: int
    total: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class LoggedEvent:
    """One event without its texts."""

    seq: int
    ts: datetime
    type: str
    payload: dict[str, Any]


RUNS = """
WITH newest AS (
    SELECT run_id, max(cycle) AS last_cycle FROM cycles WHERE status = 'finished' GROUP BY run_id
)
SELECT r.* EXCLUDE (spec), n.last_cycle, c.trait AS score, d.delta, c.coherence
FROM runs AS r
LEFT JOIN newest AS n ON n.run_id = r.run_id
LEFT JOIN trait_curve AS c ON c.run_id = r.run_id AND c.cycle = n.last_cycle
LEFT JOIN deltas AS d ON d.run_id = r.run_id AND d.cycle = n.last_cycle
WHERE ? IS NULL OR r.run_id = ?
ORDER BY r.created_at, r.name, r.run_id
"""
CURVES = """
SELECT c.*, d.delta FROM trait_curve AS c LEFT JOIN deltas AS d ON d.run_id = c.run_id AND d.cycle = c.cycle
WHERE list_contains(?, c.run_id) ORDER BY c.run_id, c.cycle
"""
PROGRESS = """
WITH live AS (
    SELECT g.*, CASE g.cycle WHEN 0 THEN r.spec -> '$.seed_train' ELSE r.spec -> '$.train' END AS training
    FROM stages AS g JOIN runs AS r USING (run_id) WHERE run_id = ?
    ORDER BY g.started_at DESC, g.cycle DESC, g.finished_at IS NULL DESC LIMIT 1
)
SELECT run_id, cycle, stage, started_at, finished_at IS NOT NULL AS finished, coalesce(total, 0) AS total, CASE
    WHEN finished_at IS NOT NULL THEN total
    WHEN stage = 'train' THEN (
        SELECT least(total, max(t.step) * CAST(live.training ->> '$.batch_size' AS INTEGER)
            // CAST(live.training ->> '$.epochs' AS INTEGER))
        FROM train_steps AS t WHERE t.run_id = live.run_id AND t.cycle = live.cycle)
    WHEN stage = 'likelihood' THEN (
        SELECT count(*) FROM likelihoods AS s WHERE s.run_id = live.run_id AND s.cycle = live.cycle)
    WHEN stage = 'judge' THEN (
        SELECT count(*) FROM scores AS s WHERE s.run_id = live.run_id AND s.cycle = live.cycle)
    ELSE (
        SELECT count(*) FROM samples AS s WHERE s.run_id = live.run_id AND s.cycle = live.cycle AND s.purpose = CASE
            stage WHEN 'seed_rows' THEN 'seed' WHEN 'sample_train' THEN 'train'
            WHEN 'sample_rejected' THEN 'rejected' ELSE 'eval' END)
    END AS done
FROM live
"""
STEPS = """
SELECT cycle, step, name, value FROM train_steps WHERE run_id = ? AND (? IS NULL OR name = ?) ORDER BY cycle, step, name
"""
VERDICTS = """
SELECT v.*, r.name FROM verdicts AS v LEFT JOIN runs AS r USING (run_id)
WHERE ? IS NULL OR v.study = ? ORDER BY v.study, v.scope = 'cell', v.cell, r.created_at, r.name, v.run_id
"""
RATES = """
SELECT * FROM rates WHERE ? IS NULL OR study = ? ORDER BY study, control NULLS FIRST, scope = 'cell', what
"""
EVENTS = "SELECT seq, ts, type, payload FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT ?"


def runs(lab: Asked) -> list[Run]:
    """Every run, in the order they were asked for."""
    return read(Run, lab, RUNS, [None, None])


def run(lab: Asked, run_id: str) -> Run:
    """One run by its full id; UsageError where the lab does not hold it."""
    found = read(Run, lab, RUNS, [run_id, run_id])
    if not found:
        raise UsageError(f"no run {run_id!r} in this lab; `idemtui ls` lists them.")
    return found[0]


def curve(lab: Asked, run_id: str) -> list[Point]:
    """A run's finished points from base on."""
    return curves(lab, [run_id])[run_id]


def curves(lab: Asked, run_ids: Sequence[str]) -> dict[str, list[Point]]:
    """The finished points of several runs, by run id."""
    points: dict[str, list[Point]] = {run_id: [] for run_id in run_ids}
    for point in read(Point, lab, CURVES, [list(run_ids)]):
        points[point.run_id].append(point)
    return points


def progress(lab: Asked, run_id: str) -> Progress | None:
    """What a run is doing or did last; None before its first stage."""
    found = read(Progress, lab, PROGRESS, [run_id])
    return found[0] if found else None


def train_steps(lab: Asked, run_id: str, name: str | None = None) -> list[Step]:
    """What the trainer logged over all cycles, of one name or of all."""
    return read(Step, lab, STEPS, [run_id, name, name])


def verdicts(lab: Asked, study: str | None = None) -> list[Verdict]:
    """Verdicts of a study's runs, then of its cells; of all studies where none is named."""
    return read(Verdict, lab, VERDICTS, [study, study])


def rates(lab: Asked, study: str | None = None) -> list[Rate]:
    """How many of a study's runs the paper calls amplified, and how many of its cells have each label."""
    return read(Rate, lab, RATES, [study, study])


def events(lab: Asked, run_id: str, last: int = 100) -> list[LoggedEvent]:
    """The newest events, oldest first."""
    return read(LoggedEvent, lab, EVENTS, [run_id, last])[::-1]


def read(kind: type[Row], lab: Asked, query: str, params: Any = None) -> list[Row]:
    """The answer as dataclasses of one kind, matched by column names; other columns are left out."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return [
        kind(**{name: _plain(name, value) for name, value in row.items() if name in names})
        for row in lab.sql(query, params).rows()
    ]


def _plain(name: str, value: Any) -> Any:
    if name == "payload":
        return json.loads(value or "{}")
    if name == "done":
        return value or 0
    return tuple(value or ()) if isinstance(value, list) or name in ("suffixes", "notes") else value
