"""What a verdict needs beside prompt means: single answers' scores, who scored them, and how many were empty.

A fork's inherited cycles are read from the run that holds them, by that run's own judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb

from store.statistics.chain import Chain

ANSWERS = """
SELECT
    l.run_id, l.cycle, s.prompt_id,
    list(c.value ORDER BY s.draw, s.sample_id) FILTER (c.value IS NOT NULL) AS scores,
    count(*) FILTER (c.label = 'empty') AS empty, count(*) AS answers
FROM lineage AS l
JOIN samples AS s ON s.run_id = l.source_run_id AND s.cycle = l.cycle
JOIN scores AS c ON c.run_id = s.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id
JOIN run_judges AS j ON j.run_id = c.run_id AND j.metric = c.metric AND j.judge_id = c.judge_id
WHERE c.metric = 'trait' AND s.purpose = 'eval' AND list_contains(?, l.run_id)
GROUP BY ALL ORDER BY ALL
"""
JUDGES = """
SELECT l.run_id, l.cycle, coalesce(max(c.judge_id) FILTER (c.judge_id = j.judge_id), max(c.judge_id)) AS judge
FROM lineage AS l
JOIN scores AS c ON c.run_id = l.source_run_id AND c.cycle = l.cycle
LEFT JOIN run_judges AS j ON j.run_id = c.run_id AND j.metric = c.metric
WHERE c.metric = 'trait' AND list_contains(?, l.run_id)
GROUP BY ALL ORDER BY ALL
"""
"""The run's own judge where it scored a cycle; else whoever did, since the cycle's means are then that judge's."""


def with_answers(connection: duckdb.DuckDBPyConnection, chains: Sequence[Chain]) -> list[Chain]:
    """The chains with single answers, judges and empty answers of every cycle."""
    run_ids = [chain.run_id for chain in chains]
    found: dict[str, dict[str, Any]] = {run_id: {"draws": {}, "judges": {}, "empties": {}} for run_id in run_ids}
    for run_id, cycle, prompt_id, scores, empty, answers in connection.execute(ANSWERS, [run_ids]).fetchall():
        held = found[run_id]
        held["draws"].setdefault(cycle, {})[prompt_id] = tuple(scores or ())
        before = held["empties"].get(cycle, (0, 0))
        held["empties"][cycle] = (before[0] + empty, before[1] + answers)
    for run_id, cycle, judge in connection.execute(JUDGES, [run_ids]).fetchall():
        found[run_id]["judges"][cycle] = judge
    return [replace(chain, **found[chain.run_id]) for chain in chains]
