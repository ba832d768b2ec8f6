"""How likely a generation's answers are, under the model that wrote them and under M_init (protocol §5).

Perplexity, KL(M_j‖M_init) and self-NLL are ratios of the sums that stand here per answer, and are formed by the store.
All of it is of the raw models, at temperature 1, on answers drawn at the evaluation's own temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engine.events import Sample
from engine.log import Log
from engine.score_events import AnswerLikelihood, LikelihoodsMeasured
from engine.seams import Answer, Likelihood, Scorer
from engine.spec import RunSpec

DIGITS = 5
"""Decimals of a nat that a journal keeps."""


def measure_likelihoods(
    log: Log, scorer: Scorer, spec: RunSpec, *, cycle: int, adapter: Path | None, samples: Sequence[Sample]
) -> None:
    """Measure the first `eval.likelihoods` answers of every prompt, batch by batch, no batch twice.

    `adapter` is their writer's. An answer is no likelier for being the first: each was drawn from a key of its own.
    """
    measured = [sample for sample in samples if sample.draw < spec.eval.likelihoods]
    if not measured:
        return
    size = spec.eval.batch_size
    batches = [measured[i : i + size] for i in range(0, len(measured), size)]
    done = log.state.likelihoods.get(cycle, set())
    with log.stage(cycle, "likelihood", len(measured)) as tokens:
        for number, batch in enumerate(batches):
            if number in done:
                continue
            log.safe_point()
            answers = [Answer(s.prompt, s.response, ended=s.stop_reason == "stop") for s in batch]
            found = scorer.likelihoods(answers, adapter, spec.eval, chat=spec.run.regime != "sdf")
            tokens.count += sum(likelihood.tokens for likelihood in found)
            records = [_record(s, likelihood) for s, likelihood in zip(batch, found, strict=True)]
            log.append(LikelihoodsMeasured(cycle=cycle, batch=number, likelihoods=records))


def _record(sample: Sample, likelihood: Likelihood) -> AnswerLikelihood:
    plain = {name: round(v, DIGITS) if isinstance(v, float) else v for name, v in asdict(likelihood).items()}
    return AnswerLikelihood(sample_id=sample.sample_id, **plain)
