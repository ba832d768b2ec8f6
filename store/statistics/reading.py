"""What a verdict needs beside prompt means: single answers' scores, who scored them, and how many were empty.

A fork's inherited cycles are read from the run that holds them, by that run's own judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from store.statistics.chain import Chain

ANSWERS = """
SELECT
    s.run_id, s.cycle, s.prompt_id,
    list(c.value ORDER BY s.draw, s.sample_id) FILTER (c.value IS NOT NULL) AS scores,
    count(*) FILTER (c.label = 'empty') AS empty, count(*) AS answers
FROM samples AS s
JOIN scores AS c ON c.run_id = s.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id
JOIN run_judges AS j ON j.run_id = c.run_id AND j.metric = c.metric AND j.judge_id = c.judge_id
WHERE c.metric = 'trait' AND s.purpose = 'eval' AND s.run_id IN ({runs}) AND c.run_id IN ({runs})
GROUP BY ALL ORDER BY ALL
"""
JUDGES = """
SELECT c.run_id, c.cycle, coalesce(max(c.judge_id) FILTER (c.judge_id = j.judge_id), max(c.judge_id)) AS judge
FROM scores AS c LEFT JOIN run_judges AS j ON j.run_id = c.run_id AND j.metric = c.metric
WHERE c.metric = 'trait' AND c.run_id IN ({runs})
GROUP BY ALL ORDER BY ALL
"""
"""The run's own judge where it scored a cycle; else whoever did, since the cycle's means are then that judge's."""

Place = tuple[str, int]
"""A run and one of its cycles."""
Draws = dict[Place, dict[str, tuple[float, ...]]]
Judges = dict[Place, str]
Empties = dict[Place, tuple[int, int]]


def with_answers(connection: duckdb.DuckDBPyConnection, chains: Sequence[Chain]) -> list[Chain]:
    """The chains with single answers, judges and empty answers of every cycle, read in three questions for all."""
    if not chains:
        return []
    query = "SELECT run_id, cycle, source_run_id FROM lineage WHERE list_contains(?, run_id) ORDER BY ALL"
    lineage = connection.execute(query, [[chain.run_id for chain in chains]]).fetchall()
    draws, judges, empties = _held(connection, sorted({source for _, _, source in lineage}))
    places: dict[str, dict[int, Place]] = {chain.run_id: {} for chain in chains}
    for run_id, cycle, source in lineage:
        places[run_id][cycle] = (source, cycle)
    return [
        replace(
            chain,
            draws={cycle: draws[place] for cycle, place in places[chain.run_id].items() if place in draws},
            judges={cycle: judges[place] for cycle, place in places[chain.run_id].items() if place in judges},
            empties={cycle: empties[place] for cycle, place in places[chain.run_id].items() if place in empties},
        )
        for chain in chains
    ]


def _held(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> tuple[Draws, Judges, Empties]:
    """The same by the run that holds the rows; the ids stand in the query, so that nothing else is joined."""
    draws: Draws = {}
    empties: Empties = {}
    if not run_ids:
        return draws, {}, empties
    marks = ", ".join("?" * len(run_ids))
    answers = connection.execute(ANSWERS.format(runs=marks), [*run_ids, *run_ids]).fetchall()
    for run_id, cycle, prompt_id, scores, empty, count in answers:
        draws.setdefault((run_id, cycle), {})[prompt_id] = tuple(scores or ())
        before = empties.get((run_id, cycle), (0, 0))
        empties[run_id, cycle] = (before[0] + empty, before[1] + count)
    judged = connection.execute(JUDGES.format(runs=marks), list(run_ids)).fetchall()
    judges = {(run_id, cycle): judge for run_id, cycle, judge in judged}
    return draws, judges, empties
