"""How long a live run still has: the stages that it has to do, each as long as it took before.

A stage is expected to take its mean over this run's own finished cycles from 1 on, else over its cell's. Where neither
has done a whole cycle nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.queries import Progress, read
from store.result import Asked

STAGES = """
WITH live AS (SELECT run_id, study, cell FROM runs WHERE list_contains(?, run_id))
SELECT l.run_id, g.cycle, g.stage, g.run_id = l.run_id AS own, g.seconds
FROM live AS l JOIN runs AS r ON r.study = l.study AND r.cell = l.cell JOIN stages AS g ON g.run_id = r.run_id
WHERE g.finished_at IS NOT NULL AND (g.cycle >= 1 OR g.run_id = l.run_id) ORDER BY l.run_id, g.run_id, g.cycle
"""


@dataclass(frozen=True)
class Done:
    """One finished stage, of the run itself (`own`) or of another of its cell."""

    run_id: str
    cycle: int
    stage: str
    own: bool
    seconds: float


def remaining_seconds(lab: Asked, live: Mapping[str, tuple[int, Progress | None]]) -> dict[str, float]:
    """Seconds to the end of live runs, by run id, from last cycle and what they are doing; some cannot be told."""
    if not live:
        return {}
    done = read(Done, lab, STAGES, [list(live)])
    told = {}
    for run_id, (cycles, progress) in live.items():
        seconds = remaining([stage for stage in done if stage.run_id == run_id], cycles, progress)
        if seconds is not None:
            told[run_id] = seconds
    return told


def remaining(done: Sequence[Done], cycles: int, progress: Progress | None) -> float | None:
    """Seconds from here to the end of cycle `cycles`; None where no cycle from 1 on was ever finished."""
    expected = _expected([stage for stage in done if stage.own]) or _expected([s for s in done if not s.own])
    if not expected or progress is None:
        return None
    over = {stage.stage for stage in done if stage.own and stage.cycle == progress.cycle}
    now = 0.0
    for stage, seconds in expected.items():
        if stage == progress.stage and not progress.finished:
            share = progress.done / progress.total if progress.total else 0.0
            now += seconds * max(1 - share, 0.0)
        elif stage not in over:
            now += seconds
    return now + max(cycles - progress.cycle, 0) * sum(expected.values())


def _expected(done: Sequence[Done]) -> dict[str, float]:
    """Mean seconds of each stage over cycles from 1 on that came as far as their judge."""
    whole = {stage.cycle for stage in done if stage.stage == "judge" and stage.cycle >= 1}
    taken: dict[str, list[float]] = {}
    for stage in done:
        if stage.cycle in whole:
            taken.setdefault(stage.stage, []).append(stage.seconds)
    return {stage: sum(seconds) / len(seconds) for stage, seconds in taken.items()}
