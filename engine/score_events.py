"""What was found out of texts: judgements, likelihoods, diversity."""

from __future__ import annotations

from typing import Literal

from engine.record import Record


class Score(Record):
    """One judgement of one sample."""

    sample_id: str
    value: float | None
    mass: float
    variance: float | None
    label: str
    distribution: list[tuple[int, float]]
    truncated: bool = False
    """Whether the judge was shown only the beginning of the answer."""


class AnswerLikelihood(Record):
    """How likely one answer is, in nats summed over its tokens, of the models as they are (temperature 1).

    A sum is null where it is not finite; see `engine.seams.Likelihood`.
    """

    sample_id: str
    tokens: int
    nll: float | None
    init_nll: float | None
    kl: float | None
    block_tokens: int
    block_nll: float | None


class JudgeDeclared(Record):
    """A judge that scores of this run refer to, one per metric."""

    type: Literal["judge_declared"] = "judge_declared"
    judge_id: str
    metric: str
    model: str
    rubric: str
    rubric_version: str
    method: str


class LikelihoodsMeasured(Record):
    """One batch of evaluation answers, measured under the model that wrote them and under M_init."""

    type: Literal["likelihoods_measured"] = "likelihoods_measured"
    cycle: int
    batch: int
    likelihoods: list[AnswerLikelihood]


class DiversityMeasured(Record):
    """distinct-n over `budget` words of a generation's evaluation answers; null where there are not so many words."""

    type: Literal["diversity_measured"] = "diversity_measured"
    cycle: int
    budget: int
    words: int
    """Of all answers."""
    distinct_1: float | None
    distinct_2: float | None
    distinct_3: float | None


class SamplesJudged(Record):
    """One batch of judgements of one metric."""

    type: Literal["samples_judged"] = "samples_judged"
    cycle: int
    metric: str
    judge_id: str
    batch: int
    scores: list[Score]
    requests: int = 0
    """What the batch took of a judge's server: requests, tokens read and written."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    known: int = 0
    """Answers whose judgement the lab held already."""
    cost: float | None = None
    """In the currency of the study's prices, where it gives both."""
