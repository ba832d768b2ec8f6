"""Groups of runs by a judge of one's choice: the points and verdicts that `store.compare` gives of the runs' own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from store.compare import GroupPoint
from store.intervals import Interval, t_interval
from store.judged import judged_chains, judged_curves, once
from store.judged_verdicts import judged_verdicts
from store.queries import Point, Verdict
from store.result import Asked
from store.statistics.rows import Row

Members = Mapping[str, Sequence[str]]
NOTHING = Interval(float("nan"), None, None, float("nan"))
MATRIX = f"""{once("starts_with(a.metric, 'trait:')")},
prompts AS (SELECT run_id, cycle, metric, prompt_id, avg(value) AS value FROM once GROUP BY ALL),
told AS (
    SELECT p.run_id, p.cycle, CASE WHEN p.metric = 'trait' THEN r.trait ELSE p.metric[7:] END AS trait,
        avg(p.value) AS value
    FROM prompts AS p JOIN runs AS r USING (run_id) GROUP BY ALL
),
grouped AS (SELECT unnest($runs) AS run_id, unnest($names) AS name)
SELECT g.name AS "group", m.cycle, m.trait, avg(m.value) AS value, count(m.value) AS runs
FROM grouped AS g JOIN told AS m ON m.run_id = g.run_id GROUP BY ALL ORDER BY 1, 2, 3
"""
"""What `store.compare.matrix` gives of the runs' own judges."""


def judged_points(lab: Asked, members: Members, judge: str) -> dict[str, tuple[GroupPoint, ...]]:
    """By group the means over its runs of what one judge scored; a group that it never scored has none."""
    run_ids = [run_id for ids in members.values() for run_id in ids]
    curves = judged_curves(judged_chains(lab, run_ids, judge))
    return {name: _group([point for run_id in ids for point in curves[run_id]]) for name, ids in members.items()}


def _group(points: Sequence[Point]) -> tuple[GroupPoint, ...]:
    by_cycle: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        by_cycle[point.cycle].append(point)
    return tuple(_point(cycle, by_cycle[cycle]) for cycle in sorted(by_cycle))


def _point(cycle: int, points: Sequence[Point]) -> GroupPoint:
    def over(value: Callable[[Point], float | None]) -> tuple[float | None, float | None, float | None]:
        held = np.array([found for point in points if (found := value(point)) is not None])
        interval = t_interval(held) if held.size else NOTHING
        return (interval.mean if held.size else None), interval.low, interval.high

    return GroupPoint(
        cycle, len(points), *over(lambda p: p.trait), *over(lambda p: p.coherence), *over(lambda p: p.delta)
    )


def judged_group_verdicts(lab: Asked, members: Members, judge: str) -> list[Verdict]:
    """The verdicts by that judge of the groups' runs and of their cells."""
    return told_by(judged_verdicts(lab, [run_id for ids in members.values() for run_id in ids], judge))


def told_by(rows: Sequence[Row]) -> list[Verdict]:
    """Rows as `judged_verdicts` gives them, as the store's other questions give verdicts."""
    names = [field.name for field in fields(Verdict)]
    told = []
    for row in rows:
        plain: dict[str, Any] = {name: row.get(name) for name in names}
        told.append(Verdict(**{**plain, **{name: tuple(row[name] or ()) for name in ("suffixes", "notes")}}))
    return told
