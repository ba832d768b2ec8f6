"""From counted work to seconds and bytes: by the lab's own past where it has one, else from the model's shape.

Speeds that are assumed where nothing was measured; each estimate names the one it used:

    a CPU thread   12 GFLOP/s in drawing, judging and likelihoods, 8 in training, and 30 ms a step
    a GPU          15 TFLOP/s in drawing, 60 in judging and likelihoods, 80 in training, and 60 ms a step
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.spec import RunSpec
from idemtui.preflight.shape import Shape
from idemtui.preflight.work import Work

CHARACTERS_PER_TOKEN = 4
PROCESS_BYTES = 700_000_000
"""A worker with torch, transformers and TRL loaded and no model: 0.6 to 0.7 GB of resident memory."""
SAMPLE_BYTES, SCORE_BYTES, LIKELIHOOD_BYTES = 600, 450, 150
"""Of a journal, beside the text itself."""
DATABASE_SHARE = 0.6
"""What `lab.duckdb` takes of a journal's bytes, at most."""
PROMPT_TOKENS = 64
LIKELIHOOD_PASSES = 3
"""Over an answer that is measured: under its writer, under M_init, and M_init's over isolated blocks."""
ANSWER_TOKENS = 4
"""Tokens that a judge writes for a number, at most."""


@dataclass(frozen=True)
class Speed:
    """FLOP/s of each kind of work, and seconds that a training step takes beside its arithmetic."""

    draw: float
    judge: float
    train: float
    step_seconds: float


def speed(device: str, threads: int) -> Speed:
    """What is assumed of a device."""
    if device == "cpu":
        return Speed(12e9 * threads, 12e9 * threads, 8e9 * threads, 0.03)
    return Speed(15e12, 60e12, 80e12, 0.06)


def guessed_seconds(spec: RunSpec, work: Work, model: Shape | None, judge: Shape | None, at: Speed) -> dict[str, float]:
    """Seconds of each stage by 2 FLOPs a parameter and token read, 6 trained; those of unknown models are left out."""
    seconds = {}
    if model is not None:
        per_token = 2.0 * model.parameters
        drawn = spec.sample.max_tokens + PROMPT_TOKENS
        seconds["sample_train"] = work.drawn * drawn * per_token / at.draw
        seconds["sample_rejected"] = work.rejected * drawn * per_token / at.draw
        answered = spec.eval.max_tokens + PROMPT_TOKENS
        seconds["sample_eval"] = work.answers * answered * per_token / at.draw
        seconds["likelihood"] = LIKELIHOOD_PASSES * work.measured * answered * per_token / at.judge
        passes = 2.7 if spec.run.regime == "dpo" else 1.0
        tokens = work.rows * row_tokens(spec)
        seconds["train"] = passes * tokens * 3 * per_token / at.train + work.steps * at.step_seconds
    if judge is not None:
        seconds["judge"] = judge_tokens(spec, work) * 2.0 * judge.parameters / at.judge
    return seconds


def row_tokens(spec: RunSpec) -> int:
    """Tokens of one training row, at most."""
    return min(spec.train.max_length, spec.sample.max_tokens + PROMPT_TOKENS)


def judge_tokens(spec: RunSpec, work: Work) -> int:
    """Tokens that the judge reads: every answer once for each rubric, and the rubrics."""
    metrics = work.judgements // work.answers if work.answers else 0
    rubrics = work.rubric_characters // CHARACTERS_PER_TOKEN
    return work.answers * (metrics * (spec.eval.max_tokens + PROMPT_TOKENS) + rubrics)


def judge_times(spec: RunSpec) -> int:
    """How often a judge is asked the same question at least; one that splits numbers into digits is asked on."""
    return spec.judge.draws if spec.judge.method == "sampled" else 1


def judge_price(spec: RunSpec, work: Work) -> float | None:
    """What a judge's server charges at most for a run; None where prices are not stated or nobody charges."""
    judge = spec.judge
    if judge.server is None or judge.price_input is None or judge.price_output is None:
        return None
    times = judge_times(spec)
    written = work.judgements * ANSWER_TOKENS * times
    return float(judge_tokens(spec, work) * times * judge.price_input + written * judge.price_output) / 1e6


def memory_bytes(spec: RunSpec, model: Shape | None, judge: Shape | None, device: str) -> int | None:
    """What one worker needs at its peak: weights of model and judge, and the largest of drawing, training, judging."""
    if model is None:
        return None
    size = 4 if device == "cpu" else 2
    weights = model.parameters * size
    if judge is not None and spec.judge.local_model != spec.run.model:
        weights += judge.parameters * size
    most = max(_training_bytes(spec, model, size), _drawing_bytes(spec, model, size))
    return int(weights + most + (PROCESS_BYTES if device == "cpu" else 0))


def _training_bytes(spec: RunSpec, model: Shape, size: int) -> float:
    """Trained numbers with gradient and two moments in float32, activations (34 × hidden a token and layer), logits."""
    trained = model.parameters if spec.train.method == "full" else spec.train.lora_rank * model.linear_ends
    tokens = spec.train.batch_size * row_tokens(spec) * (2 if spec.run.regime == "dpo" else 1)
    activations = tokens * (17 * size * model.hidden * model.layers + 2 * 4 * model.vocabulary)
    return 16.0 * trained + activations


def _drawing_bytes(spec: RunSpec, model: Shape, size: int) -> float:
    longest = max(settings.batch_size * (settings.max_tokens + PROMPT_TOKENS) for settings in (spec.sample, spec.eval))
    return float(longest * model.layers * model.key_values * size + max(spec.eval.batch_size, 1) * 4 * model.vocabulary)


def disk_bytes(spec: RunSpec, work: Work, model: Shape | None) -> int | None:
    """Adapters in float32 (a whole model each with `method = "full"`), the journal, and its share of the database."""
    if model is None or (model.by_name and spec.train.method == "lora"):
        return None
    each = model.parameters if spec.train.method == "full" else spec.train.lora_rank * model.linear_ends
    texts = work.drawn + work.rejected + work.answers
    longest = CHARACTERS_PER_TOKEN * max(spec.sample.max_tokens, spec.eval.max_tokens)
    journal = texts * (SAMPLE_BYTES + longest) + work.judgements * SCORE_BYTES
    journal += work.measured * LIKELIHOOD_BYTES
    return int(4 * each * len(work.trainings) + journal * (1 + DATABASE_SHARE))
