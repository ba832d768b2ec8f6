"""The lab as one judge scored it: a person's choice, in place of each run's own judge, wherever curves are shown.

Scores of two judges never meet: a generation that the chosen one did not score has none. Verdicts are worked out here,
anew only where runs went further or a job judged more, since those of a large lab take their time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idemtui.console.facts import Glance, Point, Run, shown_point
from store.queries import Verdict, read
from store.texts import Rung

if TYPE_CHECKING:
    from idemtui.console.reader import Reader
    from store.client import Client

JUDGES = """
WITH scored AS (SELECT DISTINCT judge_id FROM stored_scores WHERE metric = 'trait')
SELECT s.judge_id, any_value(j.model) AS model, string_agg(DISTINCT j.method, ', ' ORDER BY j.method) AS method
FROM scored AS s LEFT JOIN judges AS j ON j.judge_id = s.judge_id AND j.metric = 'trait'
GROUP BY s.judge_id ORDER BY s.judge_id
"""
SAID_BY_JOBS = """
SELECT count(*) FROM stored_scores WHERE judge_id = ? AND metric = 'trait'
    AND run_no IN (SELECT run_no FROM run_numbers WHERE run_id NOT IN (SELECT run_id FROM runs))
"""
"""What a run's own judge says counts when the generation is finished."""


@dataclass(frozen=True)
class Judge:
    """Somebody who scored traits in this lab."""

    judge_id: str
    model: str | None = None
    method: str | None = None


@dataclass(frozen=True)
class Judged:
    """What one judge's scores make of runs: curves and verdicts by run id, and cells' verdicts."""

    points: Mapping[str, Mapping[int, Point]]
    verdicts: Mapping[str, Verdict]
    cells: tuple[Verdict, ...]


def judges(client: Client) -> list[Judge]:
    """Everybody who scored a trait in this lab, by id."""
    return read(Judge, client, JUDGES)


def next_judge(known: Sequence[Judge], now: str | None) -> str | None:
    """The judge after this one; None, each run's own, before the first and after the last."""
    order = [None, *(judge.judge_id for judge in known)]
    return order[(order.index(now) + 1) % len(order)] if now in order else None


def take_next(reader: Reader) -> tuple[list[Judge], Glance | None]:
    """Choose the next judge and read the lab by it; no glance where there is nothing to choose from."""
    known = judges(reader.client())
    if len(known) < 2 and reader.judging.judge is None:
        return known, None
    reader.judging.judge = next_judge(known, reader.judging.judge)
    return known, reader.glance()


class Judging:
    """The judge that is chosen, None for each run's own, and what was last worked out by it."""

    def __init__(self) -> None:
        self.judge: str | None = None
        self._known: tuple[object, Judged] | None = None

    def seen(self, client: Client, glance: Glance) -> Glance:
        """The lab by the chosen judge; as it is where none is, or where the lab does not know the chosen one."""
        chosen = self.judge
        if chosen is None:
            return glance
        judge = next((one for one in judges(client) if one.judge_id == chosen), None)
        if judge is None:
            self.judge = None
            return glance
        standing = tuple((run.run_id, run.status, len(run.points)) for run in glance.runs)
        key = (chosen, standing, client.sql(SAID_BY_JOBS, [chosen]).tuples())
        if self._known is None or self._known[0] != key:
            self._known = key, judged(client, [run.run_id for run in glance.runs], chosen)
        return by_judge(glance, judge, self._known[1])


def judged(client: Client, run_ids: Sequence[str], judge: str) -> Judged:
    """These runs by one judge's scores."""
    from store.judged import judged_chains, judged_curves
    from store.judged_groups import told_by
    from store.judged_verdicts import judged_verdicts

    chains = judged_chains(client, run_ids, judge)
    curves = judged_curves(chains)
    scored = {run_id for run_id, chain in chains.items() if chain.trait}
    told = told_by(judged_verdicts(client, [run_id for run_id in run_ids if run_id in scored], judge, chains))
    return Judged(
        {run_id: {point.cycle: shown_point(point) for point in curve} for run_id, curve in curves.items()},
        {verdict.run_id or "": verdict for verdict in told if verdict.scope == "run"},
        tuple(verdict for verdict in told if verdict.scope == "cell"),
    )


def rejudged(client: Client, answers: Sequence[Rung], run_id: str, prompt_id: str, judge: str) -> list[Rung]:
    """A prompt's answers with that judge's scores in place of those of the run's own."""
    from store.judged import judged_answers

    said = judged_answers(client, run_id, prompt_id, judge)
    return [
        replace(one, trait=said.get((one.sample_id, "trait")), coherence=said.get((one.sample_id, "coherence")))
        for one in answers
    ]


def by_judge(glance: Glance, judge: Judge, found: Judged) -> Glance:
    """The same lab with that judge's scores and verdicts; what a run is and does stays."""
    runs = tuple(_by_judge(run, judge, found) for run in glance.runs)
    return Glance(runs, found.cells, judge.judge_id)


def _by_judge(run: Run, judge: Judge, found: Judged) -> Run:
    held = found.points.get(run.run_id, {})
    points = tuple(held.get(point.cycle, Point(point.cycle, None)) for point in run.points)
    verdict = found.verdicts.get(run.run_id)
    return replace(run, points=points, verdict=verdict, judge_method=judge.method, judged_by=judge.judge_id)
