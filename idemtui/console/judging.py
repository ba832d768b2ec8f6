"""The lab as one judge scored it: a person's choice, in place of each run's own judge, wherever curves are shown.

Scores of two judges never meet: a generation that the chosen one did not score has none. Verdicts are worked out here,
of a large lab one picture after the other, and anew only where runs went further or a job judged more.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from idemtui.console.facts import Glance, Point, Run, shown_point
from store.queries import Verdict, read

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
AT_ONCE = 50
"""Runs whose verdicts are worked out between two pictures: about a second where each cell has twenty replicates."""
Curves = Mapping[str, Mapping[int, Point]]
"""By run id and cycle."""
Studies = Mapping[str, Sequence[Run]]
Heard = Callable[[tuple[tuple[str, int], ...]], "Standing"]


@dataclass(frozen=True)
class Judge:
    """Somebody who scored traits in this lab."""

    judge_id: str
    model: str | None = None
    method: str | None = None


def judges(client: Client) -> list[Judge]:
    """Everybody who scored a trait in this lab, by id."""
    return read(Judge, client, JUDGES)


def next_judge(known: Sequence[Judge], now: str | None) -> str | None:
    """The judge after this one; None, each run's own, before the first and after the last."""
    order = [None, *(judge.judge_id for judge in known)]
    return order[(order.index(now) + 1) % len(order)] if now in order else None


def choose_next(reader: Reader) -> list[Judge]:
    """Choose the next judge; returns everybody who scored, of whom one alone leaves nothing to choose."""
    known = judges(reader.client())
    if len(known) > 1 or reader.judging.judge is not None:
        reader.judging.judge = next_judge(known, reader.judging.judge)
    return known


@dataclass(frozen=True)
class Standing:
    """What was worked out goes by this: another judge, more judgements, or runs that went further make it old."""

    judge: str
    said_by_jobs: int
    runs: tuple[tuple[str, int], ...]


class Judging:
    """The judge that is chosen, None for each run's own, and what was last worked out by it, study by study.

    One look works out no more than a few seconds hold: curves first, then verdicts of AT_ONCE runs or so. `owed` in its
    answer says of how many runs they are still to come.
    """

    def __init__(self) -> None:
        self.judge: str | None = None
        self._looking = threading.Lock()
        self._curves: dict[str, tuple[Standing, Curves]] = {}
        self._verdicts: dict[str, tuple[Standing, tuple[Verdict, ...]]] = {}

    def seen(self, client: Client, glance: Glance) -> Glance:
        """The lab by the chosen judge; as it is where none is, or where the lab does not know the chosen one."""
        judge = next((one for one in judges(client) if one.judge_id == self.judge), None) if self.judge else None
        if judge is None:
            self.judge = None
            return glance
        studies: dict[str, list[Run]] = defaultdict(list)
        for run in glance.runs:
            studies[run.study].append(run)
        [(said,)] = client.sql(SAID_BY_JOBS, [judge.judge_id]).tuples()
        heard = partial(Standing, judge.judge_id, said)
        with self._looking:
            read = self._read_curves(client, judge, studies, heard)
            owed = self._work_out_verdicts(client, judge, studies, heard, AT_ONCE - read)
            return by_judge(glance, judge, self._all_curves(), self.verdicts(judge.judge_id), owed)

    def verdicts(self, judge: str) -> tuple[Verdict, ...]:
        """The verdicts by a judge that are known."""
        held = self._verdicts.values()
        return tuple(verdict for standing, told in held if standing.judge == judge for verdict in told)

    def _all_curves(self) -> Curves:
        return {run_id: points for _, curves in self._curves.values() for run_id, points in curves.items()}

    def _read_curves(self, client: Client, judge: Judge, studies: Studies, heard: Heard) -> int:
        """Read anew the curves of studies whose runs went further; returns how many runs those have."""
        from store.judged import judged_chains, judged_curves

        standing = {s: heard(tuple((run.run_id, len(run.points)) for run in runs)) for s, runs in studies.items()}
        self._curves = {study: held for study, held in self._curves.items() if held[0] == standing.get(study)}
        behind = {run.run_id: study for study, runs in studies.items() if study not in self._curves for run in runs}
        chains = judged_chains(client, list(behind), judge.judge_id) if behind else {}
        found: dict[str, dict[str, Mapping[int, Point]]] = defaultdict(dict)
        for run_id, curve in judged_curves(chains).items():
            found[behind[run_id]][run_id] = {point.cycle: shown_point(point) for point in curve}
        self._curves = self._curves | {study: (standing[study], found[study]) for study in behind.values()}
        return len(behind)

    def _work_out_verdicts(self, client: Client, judge: Judge, studies: Studies, heard: Heard, most: int) -> int:
        """Work out verdicts of about so many runs, whole studies at a time; returns of how many they are owed still."""
        from store.judged_groups import told_by
        from store.judged_verdicts import judged_verdicts

        standing = {
            study: heard(tuple((run.run_id, int(run.status == "finished")) for run in runs))
            for study, runs in studies.items()
        }
        self._verdicts = {study: held for study, held in self._verdicts.items() if held[0] == standing.get(study)}
        scored = {run_id for run_id, points in self._all_curves().items() if points}
        owed = [study for study in studies if study not in self._verdicts]
        now: dict[str, list[str]] = {}
        while owed and sum(map(len, now.values())) < most:
            study = owed.pop(0)
            now[study] = [run.run_id for run in studies[study] if run.run_id in scored and run.status == "finished"]
        run_ids = [run_id for ids in now.values() for run_id in ids]
        told = told_by(judged_verdicts(client, run_ids, judge.judge_id)) if run_ids else []
        found = {study: (standing[study], tuple(v for v in told if v.study == study)) for study in now}
        self._verdicts = self._verdicts | found
        return sum(len(studies[study]) for study in owed)


def by_judge(glance: Glance, judge: Judge, curves: Curves, verdicts: Sequence[Verdict], owed: int) -> Glance:
    """The same lab with that judge's scores and verdicts; what a run is and does stays."""
    of_runs = {verdict.run_id: verdict for verdict in verdicts if verdict.scope == "run"}
    runs = tuple(
        replace(
            run,
            points=tuple(curves.get(run.run_id, {}).get(point.cycle, Point(point.cycle, None)) for point in run.points),
            verdict=of_runs.get(run.run_id),
            judge_method=judge.method,
            judged_by=judge.judge_id,
        )
        for run in glance.runs
    )
    return Glance(runs, tuple(verdict for verdict in verdicts if verdict.scope == "cell"), judge.judge_id, owed)
