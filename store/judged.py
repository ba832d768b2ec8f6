"""Curves and verdicts by a judge of one's choice: the scores that another judge gave the same answers, read when asked.

What the lab keeps (`trait_curve`, `verdicts`) is by the judge that each run was made with. Here nothing is written, and
scores of two judges never meet: a cycle that the chosen judge did not score has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.errors import UsageError
from store.intervals import mean_or_none, t_interval
from store.judge_names import NAMED
from store.queries import Point
from store.result import Asked
from store.statistics.chain import Chain

JUDGES = """
SELECT DISTINCT a.judge_id, any_value(j.model) FROM held_cycles AS h JOIN judged_answers AS a
    ON a.run_id = h.source_run_id AND a.cycle > h.after_cycle AND a.cycle <= h.to_cycle
LEFT JOIN judges AS j ON j.judge_id = a.judge_id AND j.metric = a.metric
WHERE list_contains($runs, h.run_id) AND a.metric = 'trait' GROUP BY a.judge_id ORDER BY 1
"""


def once(beside: str) -> str:
    """The head of a query about `once`: the answers of `$runs` with the trait by `$judge`, and metrics beside it.

    An answer counts once, however often one judge was asked about it. Of a metric beside (a condition on `a.metric`)
    the same judge's scores by one rubric are taken: the runs' own first, then the one with the most answers.
    """
    return f"""
WITH named AS ({NAMED}),
answers AS (
    SELECT h.run_id, a.* EXCLUDE (run_id) FROM held_cycles AS h JOIN judged_answers AS a
        ON a.run_id = h.source_run_id AND a.cycle > h.after_cycle AND a.cycle <= h.to_cycle
    WHERE list_contains($runs, h.run_id) AND (a.metric = 'trait' OR {beside})
),
rubrics AS (
    SELECT 'trait' AS metric, $judge AS judge_id
    UNION ALL
    SELECT a.metric, a.judge_id FROM answers AS a JOIN named AS n ON n.judge_id = a.judge_id AND n.metric = a.metric
    WHERE a.metric <> 'trait' AND n.stem IN (SELECT stem FROM named WHERE judge_id = $judge AND metric = 'trait')
    GROUP BY a.metric, a.judge_id QUALIFY row_number() OVER (
        PARTITION BY a.metric ORDER BY bool_or(a.own) DESC, count(*) DESC, a.judge_id
    ) = 1
),
once AS (
    SELECT a.* FROM answers AS a JOIN rubrics AS b ON b.metric = a.metric AND b.judge_id = a.judge_id
    QUALIFY row_number() OVER (PARTITION BY a.run_id, a.sample_id, a.metric ORDER BY a.own DESC, a.judged_by) = 1
)
"""


ONCE = once("a.metric = 'coherence'")
SCORES = f"""{ONCE}SELECT run_id, cycle, metric, prompt_id,
    list(value ORDER BY draw, sample_id) FILTER (value IS NOT NULL) AS scores,
    count(*) AS answers, count(*) FILTER (label = 'empty') AS empty
FROM once GROUP BY ALL ORDER BY ALL
"""
ANSWERS = f"{ONCE} SELECT sample_id, metric, value FROM once"
RUNS = "SELECT run_id, replicate, cycles FROM runs WHERE list_contains($runs, run_id) ORDER BY replicate, run_id"


def chosen_judge(lab: Asked, run_ids: Sequence[str], asked: str) -> str:
    """The judge whose id this is, else whose model, else a part of whose id; UsageError names those that judged."""
    known: dict[str, str | None] = dict(lab.sql(JUDGES, {"runs": list(run_ids)}).tuples())
    found = [judge for judge in known if judge == asked] or [judge for judge in known if known[judge] == asked]
    found = found or [judge for judge in known if asked and asked in judge]
    if len(found) == 1:
        return found[0]
    several = f"may be {', '.join(found)}; give more of it" if found else "scored none of these answers"
    raise UsageError(f"--judge {asked!r} {several}; judges of their trait: {', '.join(known) or 'none'}.")


def judged_chains(lab: Asked, run_ids: Sequence[str], judge: str) -> dict[str, Chain]:
    """These runs with the scores of one judge alone, by run id; one that it never scored has no cycle."""
    asked = {"runs": list(run_ids)}
    held: dict[str, _Held] = {run_id: _Held() for run_id in run_ids}
    for run_id, cycle, metric, prompt_id, scores, answers, empty in lab.sql(SCORES, {**asked, "judge": judge}).tuples():
        held[run_id].add(cycle, metric, prompt_id, tuple(scores or ()), answers, empty)
    return {
        run_id: held[run_id].chain(run_id, name, cycles, judge)
        for run_id, name, cycles in lab.sql(RUNS, asked).tuples()
    }


def judged_answers(lab: Asked, run_id: str, judge: str) -> dict[tuple[str, str], float | None]:
    """What one judge said of a run's answers, by sample id and metric; None for no number."""
    asked = {"runs": [run_id], "judge": judge}
    return {(sample_id, metric): value for sample_id, metric, value in lab.sql(ANSWERS, asked).tuples()}


class _Held:
    """What one judge said of one run, while its rows come in."""

    def __init__(self) -> None:
        self.draws: dict[str, dict[int, dict[str, tuple[float, ...]]]] = {"trait": {}, "coherence": {}}
        self.empties: dict[int, tuple[int, int]] = {}

    def add(self, cycle: int, metric: str, prompt_id: str, scores: tuple[float, ...], answers: int, empty: int) -> None:
        """One prompt's scores at one cycle, of so many answers."""
        self.draws[metric].setdefault(cycle, {})[prompt_id] = scores
        if metric == "trait":
            before = self.empties.get(cycle, (0, 0))
            self.empties[cycle] = (before[0] + empty, before[1] + answers)

    def chain(self, run_id: str, name: str, cycles: int, judge: str) -> Chain:
        """All of it, as a verdict takes it."""
        trait, coherence = (
            {cycle: {p: mean_or_none(scores) for p, scores in prompts.items()} for cycle, prompts in by_cycle.items()}
            for by_cycle in (self.draws["trait"], self.draws["coherence"])
        )
        judges = dict.fromkeys(trait, judge)
        return Chain(run_id, name, cycles, trait, coherence, self.draws["trait"], judges, self.empties)


def judged_curves(chains: Mapping[str, Chain]) -> dict[str, list[Point]]:
    """The points of each chain, by run id: what `store.queries.curves` gives of the runs' own judges."""
    return {run_id: [_point(chain, cycle) for cycle in sorted(chain.trait)] for run_id, chain in chains.items()}


def judged_coherence(chain: Chain) -> dict[int, tuple[float, float]]:
    """By cycle the ends of coherence's 90 % interval over prompts; none below two prompts."""
    found = {}
    for cycle, prompts in chain.coherence.items():
        held = np.array([score for score in prompts.values() if score is not None])
        over = t_interval(held) if held.size else None
        if over is not None and over.low is not None and over.high is not None:
            found[cycle] = (over.low, over.high)
    return found


def _point(chain: Chain, cycle: int) -> Point:
    values = np.array([score for score in chain.trait[cycle].values() if score is not None])
    over = t_interval(values) if values.size else None
    error = float(over.deviation / np.sqrt(values.size)) if over is not None and over.low is not None else None
    answers = chain.empties[cycle][1]
    scored = sum(len(scores) for scores in chain.draws[cycle].values())
    return Point(
        chain.run_id,
        cycle,
        None if over is None else over.mean,
        error,
        None if over is None else over.low,
        None if over is None else over.high,
        mean_or_none(chain.coherence.get(cycle, {}).values()),
        answers,
        answers - scored,
        _delta(chain, cycle),
    )


def _delta(chain: Chain, cycle: int) -> float | None:
    """s(M_j) − s(M_0), paired by prompt."""
    first, there = chain.trait.get(0, {}), chain.trait[cycle]
    pairs = ((there[prompt], score) for prompt, score in first.items() if prompt in there)
    return mean_or_none(now - before for now, before in pairs if now is not None and before is not None)
