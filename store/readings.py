"""Samples of a list in full: whole texts, every judgement of them, and what people said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from store.judged_listing import OF_JOBS
from store.labelling import Said, said
from store.listing import Line
from store.result import Asked
from store.texts import Judgement, judgement

TEXTS = """
SELECT sample_id, run_no, prompt, response FROM stored_samples WHERE rowid IN (SELECT unnest($places::BIGINT[]))
"""
# The bounds on run_no let DuckDB skip every block of other runs; what a job judged stands in the job's.
JUDGEMENTS = f"""
SELECT x.sample_id, x.metric, x.judge_id, x.value, x.mass, x.variance, x.label, x.distribution, j.method
FROM stored_scores AS x LEFT JOIN judges AS j ON j.judge_id = x.judge_id AND j.metric = x.metric
WHERE (x.run_no BETWEEN $first AND $last OR x.run_no IN {OF_JOBS})
    AND x.sample_id IN (SELECT unnest($samples::VARCHAR[]))
ORDER BY x.metric <> 'trait', x.metric, x.judge_id
"""


@dataclass(frozen=True)
class Reading:
    """One sample in full with every judgement of it and what people said of it."""

    line: Line
    judgements: tuple[Judgement, ...] = ()
    said: tuple[Said, ...] = ()


def read_in_full(lab: Asked, lines: Sequence[Line]) -> dict[str, Reading]:
    """Lines of a list in full, by their samples' ids; those that are gone are left out."""
    places = [line.place for line in lines]
    held = {row["sample_id"]: row for row in (lab.sql(TEXTS, {"places": places}).rows() if places else ())}
    if not held:
        return {}
    numbers = [row["run_no"] for row in held.values()]
    judged: dict[str, list[Judgement]] = defaultdict(list)
    for row in lab.sql(JUDGEMENTS, {"samples": list(held), "first": min(numbers), "last": max(numbers)}).rows():
        judged[row["sample_id"]].append(judgement(row))
    told: dict[str, list[Said]] = defaultdict(list)
    for one in said(lab, samples=list(held)):
        told[one.sample_id].append(one)
    return {
        id_: Reading(
            replace(line, prompt=held[id_]["prompt"], response=held[id_]["response"]),
            tuple(judged[id_]),
            tuple(told[id_]),
        )
        for line in lines
        if (id_ := line.sample_id) in held
    }
