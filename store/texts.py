"""The lab's typed questions about texts: samples, one sample in full, ladders, pairs of generations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import UsageError
from store.queries import read
from store.result import Asked


@dataclass(frozen=True)
class Sample:
    """One text with the scores of the run's own judges."""

    sample_id: str
    run_id: str
    cycle: int
    purpose: str
    prompt_id: str
    draw: int
    drawn_by: int | None
    prompt: str
    response: str
    tokens: int
    stop_reason: str
    kept: bool
    kept_reason: str | None
    words: int
    sentences: int
    mean_sentence_length: float | None
    repeat_4gram: float | None
    echo: float | None
    trait: float | None
    trait_label: str | None
    coherence: float | None
    coherence_label: str | None


@dataclass(frozen=True)
class Judgement:
    """One judge's word on one sample."""

    metric: str
    judge_id: str
    value: float | None
    mass: float
    variance: float | None
    label: str
    distribution: tuple[tuple[int, float], ...]
    method: str | None = None
    """How the judge came to it: read from probabilities, or drawn (`sampled-5`)."""


@dataclass(frozen=True)
class Rung:
    """One generation's answer to one prompt."""

    run_id: str
    cycle: int
    prompt_id: str
    draw: int
    sample_id: str
    prompt: str
    response: str
    trait: float | None
    coherence: float | None


JUDGEMENTS = """
SELECT x.*, j.method FROM scores AS x LEFT JOIN judges AS j ON j.judge_id = x.judge_id AND j.metric = x.metric
WHERE {} ORDER BY x.metric <> 'trait', x.metric, x.judge_id
"""
HOLDERS = "SELECT source_run_id FROM held_cycles WHERE run_id = $run"
RUNG = "SELECT run_id, cycle, prompt_id, draw, sample_id, prompt, response, trait, coherence FROM scored_samples"
RUNGS = f"""{RUNG}
WHERE run_id = $run AND purpose = 'eval' AND ($draw IS NULL OR draw = $draw)
    AND ($prompt IS NULL OR prompt_id = $prompt OR contains(lower(prompt), lower($prompt)))
ORDER BY prompt, prompt_id, cycle, draw
"""


def sample(lab: Asked, sample_id: str, run_id: str | None = None) -> tuple[Sample, list[Judgement]]:
    """One sample in full with every judgement of it; UsageError where the lab does not hold it.

    With the `run_id` of a run that has it only that run's rows are looked at.
    """
    asked = {"sample": sample_id} | ({"run": run_id} if run_id else {})
    which = "run_id = $run" if run_id else "source_run_id = run_id"
    held = read(Sample, lab, f"SELECT * FROM scored_samples WHERE sample_id = $sample AND {which}", asked)
    if not held:
        raise UsageError(f"no sample {sample_id!r} in this lab; `idemtui samples RUN --json` gives their ids.")
    holders = f" AND x.run_id IN ({HOLDERS})" if run_id else ""
    rows = lab.sql(JUDGEMENTS.format(f"x.sample_id = $sample{holders}"), asked).rows()
    return held[0], [judgement(row) for row in rows]


def rungs(
    lab: Asked, run_id: str, prompt: str | None = None, draw: int | None = None, judge: str | None = None
) -> list[Rung]:
    """A run's answers prompt by prompt from base to M_N, by a judge's scores or those of the run's own.

    `prompt` is an id or a part of a prompt, `draw` one answer of each generation; None for all.
    """
    found = read(Rung, lab, RUNGS, {"run": run_id, "prompt": prompt, "draw": draw})
    if judge is None:
        return found
    from store.judged import judged_answers

    said = judged_answers(lab, run_id, judge)
    return [
        replace(one, trait=said.get((one.sample_id, "trait")), coherence=said.get((one.sample_id, "coherence")))
        for one in found
    ]


def pair(lab: Asked, left: tuple[str, int], right: tuple[str, int], prompt_id: str, draw: int = 0) -> tuple[Rung, Rung]:
    """Two generations' answers to one prompt, each a (run id, cycle); UsageError where one is not there."""
    return _rung(lab, *left, prompt_id, draw), _rung(lab, *right, prompt_id, draw)


def _rung(lab: Asked, run_id: str, cycle: int, prompt_id: str, draw: int) -> Rung:
    query = f"{RUNG} WHERE run_id = ? AND purpose = 'eval' AND cycle = ? AND prompt_id = ? AND draw = ?"
    held = read(Rung, lab, query, [run_id, cycle, prompt_id, draw])
    if not held:
        raise UsageError(f"run {run_id} has no answer of cycle {cycle} to prompt {prompt_id} (draw {draw}).")
    return held[0]


def judgement(row: Mapping[str, Any]) -> Judgement:
    """One judgement out of a row of scores."""
    pairs = tuple((pair["score"], pair["p"]) for pair in row["distribution"] or ())
    names = ("metric", "judge_id", "value", "mass", "variance", "label", "method")
    return Judgement(**{name: row[name] for name in names}, distribution=pairs)
