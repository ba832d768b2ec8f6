"""What this lab's own finished stages took, so that an estimate need not be a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from store.result import Asked

Key = tuple[str, str, str]
"""Stage, model that did it (the judge's own in `judge`), regime."""

STAGES = """
SELECT s.stage, CASE WHEN s.stage = 'judge' THEN r.spec ->> '$.judge.model' ELSE r.model END AS model, r.regime,
       sum(s.seconds) AS seconds, CAST(sum(s.total) AS DOUBLE) AS items, count(DISTINCT s.run_id) AS runs
FROM stages AS s JOIN runs AS r USING (run_id)
WHERE s.finished_at IS NOT NULL AND s.seconds > 0 AND s.total > 0
GROUP BY ALL
"""
MEMORY = """
SELECT r.model, r.regime, s.memory, CAST(r.spec AS VARCHAR) AS spec
FROM (SELECT run_id, max(memory) AS memory FROM stages WHERE memory > 0 GROUP BY run_id) AS s
JOIN runs AS r USING (run_id)
QUALIFY row_number() OVER (PARTITION BY r.model, r.regime ORDER BY r.created_at DESC, r.run_id) = 1
"""
HELD = "SELECT run_id, status FROM runs"


@dataclass(frozen=True)
class Rate:
    """Seconds an item of a stage took, over this many runs."""

    seconds_per_item: float
    runs: int


@dataclass(frozen=True)
class Peak:
    """Bytes that a run's worker took at its peak, and the run's frozen spec as JSON."""

    memory: int
    spec: str


def rates(client: Asked) -> Mapping[Key, Rate]:
    """The rate of every stage, model and regime that the lab has finished stages of."""
    rows = client.sql(STAGES).tuples()
    return {(stage, model, regime): Rate(seconds / items, runs) for stage, model, regime, seconds, items, runs in rows}


def peaks(client: Asked) -> Mapping[tuple[str, str], Peak]:
    """What the newest run of every model and regime took, by the two."""
    rows = client.sql(MEMORY).tuples()
    return {(model, regime): Peak(memory, spec) for model, regime, memory, spec in rows}


def held(client: Asked) -> Mapping[str, str]:
    """Status of every run that the lab holds, by run id."""
    return dict(client.sql(HELD).tuples())
