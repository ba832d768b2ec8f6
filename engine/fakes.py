"""Deterministic stand-ins for sampler, trainer, scorer and judge: for speed and for faults, never for results."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.keys import key
from engine.seams import Answer, Completion, Draw, Judgement, JudgeQuestion, Likelihood, Training, TrainJob
from engine.spec import SampleSettings


@dataclass
class FakeSampler:
    """Answers with words that follow from key, adapter and prompt alone; counts its batches."""

    batches: int = 0

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """One completion of at most `max_tokens` short words per draw."""
        self.batches += 1
        weights = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest() if adapter else ""
        texts = [key(draw.key, draw.prompt, weights, chat) for draw in draws]
        words = [" ".join(text[i : i + 4] for i in range(0, 64, 4)[: settings.max_tokens]) for text in texts]
        return [Completion(text=f"{text}.", tokens=min(16, settings.max_tokens), stop_reason="stop") for text in words]


@dataclass
class FakeTrainer:
    """Writes an adapter file that follows from start, reference, rows and seed alone; remembers its jobs."""

    steps: int = 2
    jobs: list[TrainJob] = field(default_factory=list)

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """A healthy training for every job."""
        return [self._train(job) for job in jobs]

    def _train(self, job: TrainJob) -> Training:
        self.jobs.append(job)
        for step in range(1, self.steps + 1):
            job.on_step(step, {"loss": 1.0 / step, "grad_norm": 0.5})
        job.safe_point()
        job.output.mkdir(parents=True, exist_ok=True)
        content = key(_content(job.start), _content(job.reference), [dict(row) for row in job.rows], job.seed)
        (job.output / "adapter_model.safetensors").write_text(content)
        return Training(
            adapter_sha256=hashlib.sha256(content.encode()).hexdigest(),
            trainable_parameters=64,
            optimizer_steps=self.steps,
            gradient_norm_max=0.5,
            delta_norm=1.0,
            logp_before=-2.0,
            logp_after=-1.0,
            rows_moved=len(job.rows),
            tokens=10 * len(job.rows),
        )


@dataclass
class FakeScorer:
    """Likelihoods that follow from prompt, answer and adapter alone; counts its batches."""

    batches: int = 0

    def likelihoods(
        self,
        answers: Sequence[Answer],
        adapter: Path | None,
        settings: SampleSettings,  # noqa: ARG002 (a text alone decides here)
        *,
        chat: bool,  # noqa: ARG002
    ) -> list[Likelihood]:
        """One nat a word under the writer, up to one more under M_init, which writes like itself."""
        self.batches += 1
        return [self._likelihood(answer, adapter) for answer in answers]

    def _likelihood(self, answer: Answer, adapter: Path | None) -> Likelihood:
        words = len(answer.text.split())
        tokens = words + int(answer.ended)
        away = 0.0 if adapter is None else int(key(answer.prompt, answer.text, _content(adapter))[:2], 16) / 255
        return Likelihood(
            tokens, 1.0 * tokens, (1 + away) * tokens, away * tokens, words, 2.0 * words if words else None
        )


@dataclass
class FakeJudge:
    """Scores that follow from the question alone."""

    judge_id: str = "fake"
    model: str = "fake"
    method: str = "fake"

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """A whole number from 0 to 100 per question, with all its mass there."""
        values = [int(key(q.rubric, q.question, q.answer)[:8], 16) % 101 for q in questions]
        return [Judgement(float(v), 1.0, 0.0, "score", ((v, 1.0),)) for v in values]


def _content(folder: Path | None) -> str:
    return (folder / "adapter_model.safetensors").read_text() if folder else "M_init"
