"""One model, and what is measured of it by PyTorch alone: matrix rate, training, judging, drawing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.checkpointing import plan_checkpointing
from engine.failures import first_line
from engine.judges.local import LocalJudge
from engine.memory import Load
from engine.models import LoadedModel
from engine.own_model import free_for_training
from engine.samplers.transformers import TransformersSampler
from engine.seams import Draw, JudgeQuestion, TrainJob
from engine.shape import Shape
from engine.spec import SampleSettings, TrainSettings
from engine.trainers.trl import TrlTrainer
from tests.gpu.cycle import CycleSize
from tests.gpu.table import NotMeasuredError, Table

RANK = 16


@dataclass(frozen=True)
class Sizes:
    """How much of everything: a GPU's, and a dry run's."""

    matrix: int
    train: tuple[tuple[int, int, int], ...]
    """(batch, tokens a row, steps)"""
    answers: int
    tokens: int
    judged: int
    cycle: CycleSize


@dataclass
class Bench:
    """A model in memory, its shape, and the table that learns of it."""

    sizes: Sizes
    shape: Shape
    loaded: LoadedModel
    table: Table
    folder: Path
    rate: float = 0.0
    """Floating-point operations a second of a large matrix product."""
    generate_rate: float = 0.0
    """Tokens a second of plain `generate`."""
    adapter: Path | None = None

    @property
    def on_gpu(self) -> bool:
        return self.loaded.device.type == "cuda"

    def seconds(self, work: Callable[[], object], times: int = 3) -> float:
        """The shortest of `times`, after one more."""
        taken = []
        for _ in range(times + 1):
            self._wait()
            begun = time.perf_counter()
            work()
            self._wait()
            taken.append(time.perf_counter() - begun)
        return min(taken[1:])

    def _wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()

    def matrix(self) -> str:
        size, device = self.sizes.matrix, self.loaded.device
        a, b = (torch.randn(size, size, device=device, dtype=self.loaded.model.dtype) for _ in range(2))
        self.rate = 2 * size**3 / self.seconds(lambda: a @ b, 5)
        return f"{self.rate / 1e12:.2f} TFLOP/s"

    def keeps(self, batch: int, length: int) -> bool:
        """Whether a training of this size would keep its activations in a run."""
        if not self.on_gpu:
            return True
        load = Load(self.shape, length, batch, batch, length, RANK)
        return not plan_checkpointing(load, batch * length, free_for_training(self.loaded.device)).on

    def train(self, batch: int, length: int, steps: int, *, recomputed: bool) -> str:
        """Tokens a second, their share of the matrix rate, and how much of a step kernels run: the rest is overhead."""
        ends: list[float] = []

        def stepped(step: int, values: object) -> None:
            self._wait()
            ends.append(time.perf_counter())

        job = self._job(batch, length, steps, recomputed)
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        TrlTrainer(self.loaded).train([replace(job, on_step=stepped)])
        self.adapter = job.output
        step = (ends[-1] - ends[1]) / (len(ends) - 2)
        peak = f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB" if self.on_gpu else "not measured (no GPU)"
        told = f"{batch * length / step:,.0f} tokens/s, {self._share(batch * length, step, recomputed)}"
        return f"{told}, step {1000 * step:,.0f} ms, kernels {self._tried(job)}, peak {peak}"

    def _job(self, batch: int, length: int, steps: int, recomputed: bool) -> TrainJob:
        settings = TrainSettings(
            learning_rate=1e-4, batch_size=batch, scheduler="constant", warmup=0, weight_decay=0,
            max_length=length, steps=steps, lora_rank=RANK,
        )  # fmt: skip
        rows = [{"text": "The garden is quiet in the morning. " * length} for _ in range(batch * steps)]
        output = self.folder / f"adapter-{batch}-{length}-{recomputed}"
        return TrainJob("sdf", None, None, rows, settings, 1, output, lambda *_: None, recomputed=recomputed)

    def _share(self, tokens: int, step: float, recomputed: bool) -> str:
        """By the model's own operations, 4 a weight and token; with those computed again 6."""
        if not self.rate:
            return "share of the matrix rate not measured"
        share = self.shape.flops(tokens, backward=True) / step / self.rate
        again = f" ({1.5 * share:.1%} with what is computed again)" if recomputed else ""
        return f"{share:.1%} of the matrix rate{again}"

    def _tried(self, job: TrainJob) -> str:
        """The kernels' share, or why the profiler would not tell: counters are often forbidden in containers."""
        try:
            return self._kernels(job)
        except Exception as error:
            return f"not measured ({type(error).__name__}: {first_line(str(error))[:80]})"

    def _kernels(self, job: TrainJob) -> str:
        """The share of a step in which the GPU runs a kernel, by PyTorch's profiler, in a training of its own."""
        if not self.on_gpu:
            return "not measured (no GPU)"
        from torch.profiler import ProfilerActivity, profile

        profiler: Any = profile(activities=[ProfilerActivity.CUDA])
        walls: list[float] = []

        def stepped(step: int, values: object) -> None:
            self._wait()
            if step == 1:
                profiler.start()
            walls.append(time.perf_counter())

        TrlTrainer(self.loaded).train([replace(job, on_step=stepped)])
        self._wait()
        profiler.stop()
        ran = sum(event.self_device_time_total for event in profiler.key_averages()) / 1e6
        return f"{ran / (walls[-1] - walls[0]):.0%} of it" if ran else "not measured (the profiler saw none)"

    def draws(self, count: int) -> list[Draw]:
        return [Draw(f"How do I bake bread {n}?", hashlib.sha256(str(n).encode()).hexdigest()) for n in range(count)]

    @property
    def settings(self) -> SampleSettings:
        return SampleSettings(temperature=1.0, max_tokens=self.sizes.tokens, batch_size=self.sizes.answers)

    def draw_here(self) -> str:
        sampler, draws = TransformersSampler(self.loaded), self.draws(self.sizes.answers)
        drawn: list[int] = []
        taken = self.seconds(
            lambda: drawn.append(sum(c.tokens for c in sampler.draw(draws, None, self.settings, chat=True))), 1
        )
        rate = drawn[-1] / taken
        factor = f", ×{rate / self.generate_rate:.2f} of plain generate" if self.generate_rate else ""
        return f"{rate:,.0f} tokens/s{factor}"

    def generate(self) -> str:
        tokenizer, model, count, tokens = self.loaded.tokenizer, self.loaded.model, *self._asked
        self.loaded.use(None)
        batch = tokenizer(["How do I bake bread?"] * count, return_tensors="pt").to(self.loaded.device)
        kept = {name: batch[name] for name in ("input_ids", "attention_mask")}

        def work() -> None:
            with torch.inference_mode():
                model.generate(**kept, do_sample=True, top_k=0, max_new_tokens=tokens, min_new_tokens=tokens)

        self.generate_rate = count * tokens / self.seconds(work, 1)
        return f"{self.generate_rate:,.0f} tokens/s"

    @property
    def _asked(self) -> tuple[int, int]:
        return self.sizes.answers, self.sizes.tokens

    def questions(self) -> list[JudgeQuestion]:
        rubric = "Question: {question}\nAnswer: {answer}\nGive a number from 0 to 100: "
        answer = "Let the dough rest, then bake it. " * 20
        return [JudgeQuestion(rubric, f"what {n}?", answer) for n in range(self.sizes.judged)]

    def judge(self) -> str:
        """Exact judging beside one plain forward pass over the same prompts, one answer at a time both."""
        judge, asked = LocalJudge(self.loaded), self.questions()
        whole = self.seconds(lambda: judge.score(asked), 1)
        prompts = [judge._ask(question).ids for question in asked]
        ids = [torch.tensor([prompt], device=self.loaded.device) for prompt in prompts]

        def forward() -> None:
            with torch.inference_mode():
                for one in ids:
                    self.loaded.model(input_ids=one, logits_to_keep=1)

        single = self.seconds(forward, 1)
        if not single:
            raise NotMeasuredError("a forward pass took no time")
        return f"{len(asked) / whole:,.1f} answers/s, {whole / single:.2f} of one forward pass each"
