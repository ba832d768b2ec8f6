"""Typed questions about people's labels and marks: what is left to label, what was said, how far the judge agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.queries import read
from store.result import Asked

ANSWERS = """
SELECT s.sample_id, s.run_id, s.prompt, s.response FROM chain_samples AS s
WHERE s.run_id = $run AND s.purpose = 'eval' AND ($cycle IS NULL OR s.cycle = $cycle)
    AND NOT EXISTS (
        FROM labels AS l WHERE l.sample_id = s.sample_id AND l.author = $author AND l.metric = $metric)
ORDER BY md5(s.sample_id || $seed), s.sample_id LIMIT $most
"""
PAIRS = """
SELECT l.value AS label, x.value AS score, x.judge_id
FROM labels AS l JOIN own_scores AS x ON x.sample_id = l.sample_id AND x.metric = l.metric
WHERE x.run_id = $run AND l.metric = $metric AND ($author IS NULL OR l.author = $author)
    AND l.value IS NOT NULL AND x.value IS NOT NULL
ORDER BY l.sample_id, l.author
"""
SAID = """
WITH said AS (
    SELECT sample_id, ts, author, 'mark' AS kind, mark AS what, NULL AS value, NULL AS note FROM marks
    UNION ALL
    SELECT sample_id, ts, author, CASE metric WHEN 'note' THEN 'note' ELSE 'label' END, metric, value, note FROM labels
)
SELECT w.*, s.run_id, r.name AS run, s.cycle, s.purpose, s.prompt, s.response
FROM said AS w JOIN samples AS s USING (sample_id) JOIN runs AS r USING (run_id)
WHERE ($run IS NULL OR s.run_id IN (SELECT source_run_id FROM held_cycles WHERE run_id = $run))
    AND ($samples::VARCHAR[] IS NULL OR list_contains($samples::VARCHAR[], w.sample_id))
    AND ($mark IS NULL OR (w.kind = 'mark' AND w.what = $mark))
ORDER BY w.ts, w.sample_id, w.kind, w.what
"""


@dataclass(frozen=True)
class ToLabel:
    """An answer as a blind rater sees it: no generation, no score."""

    sample_id: str
    run_id: str
    prompt: str
    response: str


@dataclass(frozen=True)
class Pair:
    """A person's label beside the score of the run's own judge."""

    label: float
    score: float
    judge_id: str


@dataclass(frozen=True)
class Said:
    """One thing that a person said of a sample: a mark, a label on a metric, or a remark."""

    sample_id: str
    ts: datetime
    author: str
    kind: str
    what: str
    value: float | None
    note: str | None
    run_id: str
    run: str
    cycle: int
    purpose: str
    prompt: str
    response: str


def to_label(
    lab: Asked, run_id: str, author: str, metric: str, *, seed: int = 0, cycle: int | None = None, most: int = 100
) -> list[ToLabel]:
    """Evaluated answers that this person has not labelled yet, in an order that the seed alone decides."""
    asked: dict[str, Any] = {"run": run_id, "author": author, "metric": metric, "seed": str(seed)}
    return read(ToLabel, lab, ANSWERS, {**asked, "cycle": cycle, "most": most})


def label_pairs(lab: Asked, run_id: str, metric: str, author: str | None = None) -> list[Pair]:
    """Labels beside the scores of the run's own judge, of one person or of all; nulls of either are left out."""
    return read(Pair, lab, PAIRS, {"run": run_id, "metric": metric, "author": author})


def said(
    lab: Asked, run_id: str | None = None, mark: str | None = None, *, samples: Sequence[str] | None = None
) -> list[Said]:
    """What people said of a run's samples (a fork's inherited ones among them), of some, or of all, oldest first."""
    return read(Said, lab, SAID, {"run": run_id, "mark": mark, "samples": None if samples is None else list(samples)})
