"""Judging a generation: every eval answer is asked about twice, trait and coherence apart (protocol §4).

Off target it is asked about once more for each trait of `eval.traits`, by that trait's own rubric: `trait:<other>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.events import Sample, Stage
from engine.judges.identity import rubric_version
from engine.log import Log
from engine.packs import Pack, Rubric
from engine.score_events import JudgeDeclared, SamplesJudged, Score
from engine.seams import Judge, JudgeQuestion, Spent
from engine.spec import JudgeSettings, Regime, RunSpec

METRICS = ("trait", "coherence")
MILLION = 1_000_000


def rubric_text(rubric: Rubric, regime: Regime, metric: str) -> str:
    """The rubric of a metric: documents have their own."""
    return str(getattr(rubric, f"document_{metric}" if regime == "sdf" else metric))


def rubrics(pack: Pack, spec: RunSpec) -> dict[str, str]:
    """The rubric of every metric that a run asks about."""
    regime = spec.run.regime
    own = pack.trait(spec.run.trait).rubric
    off_target = {f"trait:{name}": rubric_text(pack.trait(name).rubric, regime, "trait") for name in spec.eval.traits}
    return {metric: rubric_text(own, regime, metric) for metric in METRICS} | off_target


def declare_judge(log: Log, judge: Judge, rubrics: Mapping[str, str]) -> dict[str, str]:
    """Record who will score what, once per run; returns each metric's judge id."""
    ids = {}
    for metric, text in rubrics.items():
        version = rubric_version(text)
        ids[metric] = f"{judge.judge_id}-{version}"
        if (ids[metric], metric) not in log.state.judges:
            log.append(
                JudgeDeclared(
                    judge_id=ids[metric],
                    metric=metric,
                    model=judge.model,
                    rubric=text,
                    rubric_version=version,
                    method=judge.method,
                )
            )
    return ids


def judge_samples(
    log: Log,
    judge: Judge,
    rubrics: Mapping[str, str],
    *,
    cycle: int,
    samples: Sequence[Sample],
    settings: JudgeSettings,
) -> None:
    """Score all samples of a measured generation by every metric's rubric."""
    judge_metrics(log, judge, rubrics, cycle=cycle, samples=samples, settings=settings, stage="judge")


def judge_metrics(
    log: Log,
    judge: Judge,
    rubrics: Mapping[str, str],
    *,
    cycle: int,
    samples: Sequence[Sample],
    settings: JudgeSettings,
    stage: Stage,
) -> None:
    """Score all samples by every metric's rubric, batch by batch; judged batches are not judged again."""
    ids = declare_judge(log, judge, rubrics)
    batches = [samples[i : i + settings.batch_size] for i in range(0, len(samples), settings.batch_size)]
    with log.stage(cycle, stage, len(rubrics) * len(samples)):
        for metric, text in rubrics.items():
            done = log.state.scores.get((cycle, metric), {})
            for number, batch in enumerate(batches):
                if number in done:
                    continue
                log.safe_point()
                scores, spent = score_batch(judge, text, metric, batch)
                log.append(
                    SamplesJudged(
                        cycle=cycle,
                        metric=metric,
                        judge_id=ids[metric],
                        batch=number,
                        scores=scores,
                        requests=spent.requests,
                        prompt_tokens=spent.prompt_tokens,
                        completion_tokens=spent.completion_tokens,
                        known=spent.known,
                        cost=cost_of(spent, settings),
                    )
                )


def cost_of(spent: Spent, settings: JudgeSettings) -> float | None:
    """What the tokens cost at the study's prices; None where it gives none, or where no server was asked."""
    if settings.server is None or settings.price_input is None or settings.price_output is None:
        return None
    paid = spent.prompt_tokens * settings.price_input + spent.completion_tokens * settings.price_output
    return paid / MILLION


def score_batch(judge: Judge, rubric: str, metric: str, samples: Sequence[Sample]) -> tuple[list[Score], Spent]:
    """One batch's scores, and what they took; an empty answer is never asked about: coherence 0, trait null."""
    asked = [s for s in samples if s.response.strip()]
    judgements = judge.score([JudgeQuestion(rubric, s.prompt, s.response) for s in asked]) if asked else []
    by_id = {
        sample.sample_id: Score(
            sample_id=sample.sample_id,
            value=judgement.value,
            mass=judgement.mass,
            variance=judgement.variance,
            label=judgement.label,
            distribution=list(judgement.distribution),
            truncated=judgement.truncated,
        )
        for sample, judgement in zip(asked, judgements, strict=True)
    }
    spent = sum((judgement.spent for judgement in judgements), Spent())
    return [by_id.get(s.sample_id) or _empty_score(s, metric) for s in samples], spent


def _empty_score(sample: Sample, metric: str) -> Score:
    value = 0.0 if metric.removeprefix("select:") == "coherence" else None
    return Score(sample_id=sample.sample_id, value=value, mass=0.0, variance=None, label="empty", distribution=[])
