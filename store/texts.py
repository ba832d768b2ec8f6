"""What the lab says of single texts: a sample by its id, the rungs of a ladder, a judge's word on one."""

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


RUNGS = """
SELECT run_id, cycle, prompt_id, draw, sample_id, prompt, response, trait, coherence FROM scored_samples
WHERE run_id = $run AND purpose = 'eval' AND ($draw IS NULL OR draw = $draw)
    AND ($prompt IS NULL OR prompt_id = $prompt OR contains(lower(prompt), lower($prompt)))
ORDER BY prompt, prompt_id, cycle, draw
"""


def sample(lab: Asked, sample_id: str, run_id: str | None = None) -> Sample:
    """One sample in full; UsageError where the lab does not hold it.

    With the `run_id` of a run that has it only that run's rows are looked at.
    """
    asked = {"sample": sample_id} | ({"run": run_id} if run_id else {})
    which = "run_id = $run" if run_id else "source_run_id = run_id"
    held = read(Sample, lab, f"SELECT * FROM scored_samples WHERE sample_id = $sample AND {which}", asked)
    if not held:
        raise UsageError(f"no sample {sample_id!r} in this lab; `idemtui samples RUN --json` gives their ids.")
    return held[0]


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


def judgement(row: Mapping[str, Any]) -> Judgement:
    """One judgement out of a row of scores."""
    pairs = tuple((pair["score"], pair["p"]) for pair in row["distribution"] or ())
    names = ("metric", "judge_id", "value", "mass", "variance", "label", "method")
    return Judgement(**{name: row[name] for name in names}, distribution=pairs)
