"""Judging finished runs anew, by another judge, rubric or both: scores stand beside the old ones, which stay.

The job's journal holds what was judged, sample by sample, so a killed job asks about nothing twice. The runs' own
journals are only read: their curves and verdicts keep the judge that they were run with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from engine.errors import IdemtuiError
from engine.events import Sample, SamplesDrawn
from engine.frozen import Frozen
from engine.jobs.job import Job
from engine.journal import read_some
from engine.judges.build import build_judge
from engine.judging import cost_of, declare_judge, score_batch
from engine.judging import rubrics as pack_rubrics
from engine.packs import open_pack
from engine.score_events import JudgeDeclared, SamplesJudged
from engine.seams import Judge
from engine.spec import JudgeSettings, RunSpec


class RejudgeSettings(Frozen):
    """What is judged anew: `idemtui judge`."""

    runs: tuple[str, ...] = Field(min_length=1)
    """Run ids; a fork's inherited answers are its parent's."""
    metrics: tuple[str, ...] = Field(min_length=1)
    judge: JudgeSettings
    rubric: str | None = None
    """The text to judge by; None for each run's own."""
    repeat: int = Field(default=1, ge=1)
    """Above 1 the judge is asked once more about what it judged before, under a name of its own."""


@dataclass(frozen=True)
class _Batch:
    """Answers of one run's generation, to be scored on one metric by one rubric."""

    cycle: int
    metric: str
    rubric: str
    samples: list[Sample]


def rejudge(job: Job) -> None:
    """Score what the journal does not hold yet."""
    settings = RejudgeSettings.model_validate(job.spec.settings)

    def load(name: str) -> Judge:
        from engine.judges.local import LocalJudge

        return LocalJudge(job.load(name))

    judge_again(job, settings, build_judge(settings.judge, job.lab, job.log.safe_point, load, settings.repeat))


def judge_again(job: Job, settings: RejudgeSettings, judge: Judge) -> None:
    """The same with a judge in hand."""
    plan = list(planned(job.lab / "runs", settings))
    scores = job.log.state.scores
    done = {(metric, s.sample_id) for (_, metric), batches in scores.items() for b in batches.values() for s in b}
    total = sum(len(batch.samples) for batch in plan)
    job.progress(len(done), total)
    for batch in plan:
        left = [sample for sample in batch.samples if (batch.metric, sample.sample_id) not in done]
        if left:
            _judge_batch(job, settings, judge, batch, left)
            done |= {(batch.metric, sample.sample_id) for sample in left}
            job.progress(len(done), total)


def _judge_batch(job: Job, settings: RejudgeSettings, judge: Judge, batch: _Batch, left: list[Sample]) -> None:
    job.log.safe_point()
    judge_id = declare_judge(job.log, judge, {batch.metric: batch.rubric})[batch.metric]
    scores, spent = score_batch(judge, batch.rubric, batch.metric, left)
    job.log.append(
        SamplesJudged(
            cycle=batch.cycle,
            metric=batch.metric,
            judge_id=judge_id,
            batch=len(job.log.state.scores.get((batch.cycle, batch.metric), {})),
            scores=scores,
            requests=spent.requests,
            prompt_tokens=spent.prompt_tokens,
            completion_tokens=spent.completion_tokens,
            known=spent.known,
            cost=cost_of(spent, settings.judge),
        )
    )


def planned(runs: Path, settings: RejudgeSettings) -> Iterator[_Batch]:
    """Every batch of the job, in an order that only the runs' journals decide."""
    for run_id in settings.runs:
        path = runs / run_id / "events.jsonl"
        if not path.exists():
            raise IdemtuiError(f"run {run_id} has no answers here: {path} does not exist; leave it out.")
        rubrics: dict[str, str] = {}
        answers: dict[int, list[Sample]] = {}
        for event in read_some(path, ("samples_drawn", "judge_declared")):
            if isinstance(event, JudgeDeclared):
                rubrics.setdefault(event.metric, event.rubric)
            elif isinstance(event, SamplesDrawn) and event.purpose == "eval":
                answers.setdefault(event.cycle, []).extend(event.samples)
        if settings.rubric is None and not rubrics:
            rubrics = _pack_rubrics(path.with_name("spec.json"))
        for metric in settings.metrics:
            rubric = settings.rubric if settings.rubric is not None else rubrics.get(metric)
            if rubric is None:
                raise IdemtuiError(
                    f"run {run_id} was never judged on {metric!r} and can be on {', '.join(rubrics)}; "
                    "give a rubric with --rubric FILE."
                )
            for cycle, samples in sorted(answers.items()):
                for start in range(0, len(samples), settings.judge.batch_size):
                    yield _Batch(cycle, metric, rubric, samples[start : start + settings.judge.batch_size])


def _pack_rubrics(path: Path) -> dict[str, str]:
    """Those that the run's pack would have it judged by: a chain made elsewhere was never judged here."""
    try:
        spec = RunSpec.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise IdemtuiError(f"{path}: no spec of a run ({str(error).splitlines()[0]}); leave the run out.") from None
    return pack_rubrics(open_pack(spec.data.pack), spec)
