"""The figures of a GPU in one table, within nine minutes, with random weights and without a network.

    python -m tests.gpu.measure            Qwen3-4B's shape on the first GPU; vLLM's rows where it is installed
    python -m tests.gpu.measure --dry      a small shape on the CPU, to see that every row can be made

Rates are the best of few repetitions after one that is thrown away, on a device that should be otherwise idle. What is
left out: more than one GPU.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import torch

from engine.judges.local import LocalJudge
from engine.models import LoadedModel, load_model
from engine.samplers.transformers import TransformersSampler
from engine.samplers.vllm import VllmSampler, draw_seed
from engine.seams import Draw, JudgeQuestion, TrainJob
from engine.shape import Shape
from engine.spec import SampleSettings, TrainSettings
from engine.trainers.trl import TrlTrainer
from engine.vllm.messages import EngineSettings, Prompt
from engine.vllm.served import ServedModel
from tests.gpu.cycle import CycleSize, cycle_figures
from tests.gpu.models import QWEN3_4B, SMALL, build

DEADLINE_SECONDS = 540.0
CYCLE_SECONDS = 240.0
"""What has to be left of that for the cycle to begin: a guess, not measured on a GPU yet."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything: a GPU's, and a dry run's."""

    shape: Shape
    matrix: int
    train: tuple[tuple[int, int, int], ...]
    """(batch, tokens a row, steps)"""
    answers: int
    tokens: int
    compared: int
    """Answers of the slower ways of drawing."""
    judged: int
    cycle: CycleSize | None


FULL = Sizes(QWEN3_4B, 8192, ((16, 1024, 6), (2, 1024, 10)), 512, 256, 64, 128, CycleSize(50, 10, 256))
DRY = Sizes(SMALL, 256, ((2, 64, 3),), 4, 8, 4, 4, CycleSize(4, 1, 8))


@dataclass
class Table:
    """Rows as they come; one that fails says how, and the others follow."""

    device: str
    started: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        self.rows.append((name, value))
        print(f"{name:<58} {value}", flush=True)

    def attempt(self, name: str, work: Callable[[], None], needs: float = 0.0) -> None:
        if time.monotonic() - self.started + needs > DEADLINE_SECONDS:
            self.add(name, "left out: no time")
            return
        try:
            work()
        except Exception as error:
            self.add(name, f"FAILED: {type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}")


@dataclass
class Bench:
    """One model, and what is measured of it."""

    sizes: Sizes
    loaded: LoadedModel
    table: Table
    folder: Path
    rate: float = 0.0
    """Floating-point operations a second of a large matrix product."""
    adapter: Path | None = None

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
        if self.loaded.device.type == "cuda":
            torch.cuda.synchronize()

    def matrix(self) -> None:
        size, device = self.sizes.matrix, self.loaded.device
        a, b = (torch.randn(size, size, device=device, dtype=self.loaded.model.dtype) for _ in range(2))
        self.rate = 2 * size**3 / self.seconds(lambda: a @ b, 5)
        self.table.add(f"matrix product {size}, {self.loaded.model.dtype}", f"{self.rate / 1e12:.2f} TFLOP/s")

    def train(self, batch: int, length: int, steps: int) -> None:
        settings = TrainSettings(
            learning_rate=1e-4, batch_size=batch, scheduler="constant", warmup=0, weight_decay=0,
            max_length=length, steps=steps, lora_rank=16,
        )  # fmt: skip
        rows = [{"text": "The garden is quiet in the morning. " * length} for _ in range(batch * steps)]
        ends: list[float] = []

        def stepped(step: int, values: object) -> None:
            self._wait()
            ends.append(time.perf_counter())

        output = self.folder / f"adapter-{batch}"
        TrlTrainer(self.loaded).train([TrainJob("sdf", None, None, rows, settings, 1, output, stepped)])
        self.adapter = output
        step = (ends[-1] - ends[1]) / (len(ends) - 2)
        share = self.sizes.shape.flops(batch * length, backward=True) / step / self.rate if self.rate else 0.0
        peak = torch.cuda.max_memory_allocated() / 1e9 if self.loaded.device.type == "cuda" else 0.0
        self.table.add(
            f"LoRA training, batch {batch} × {length} tokens",
            f"{batch * length / step:,.0f} tokens/s, {share:.1%} of the matrix rate, peak {peak:.1f} GB",
        )

    def draws(self, count: int) -> list[Draw]:
        return [Draw(f"How do I bake bread {n}?", hashlib.sha256(str(n).encode()).hexdigest()) for n in range(count)]

    @property
    def settings(self) -> SampleSettings:
        return SampleSettings(temperature=1.0, max_tokens=self.sizes.tokens, batch_size=self.sizes.answers)

    def draw_here(self) -> None:
        sampler, draws = TransformersSampler(self.loaded), self.draws(self.sizes.compared)
        drawn: list[int] = []
        taken = self.seconds(
            lambda: drawn.append(sum(c.tokens for c in sampler.draw(draws, None, self.settings, chat=True))), 1
        )
        self.table.add(f"transformers sampler, {len(draws)} answers", f"{drawn[-1] / taken:,.0f} tokens/s")

    def generate(self) -> None:
        tokenizer, model, count = self.loaded.tokenizer, self.loaded.model, self.sizes.compared
        self.loaded.use(None)
        batch = tokenizer(["How do I bake bread?"] * count, return_tensors="pt").to(self.loaded.device)
        tokens = self.sizes.tokens

        def work() -> None:
            with torch.inference_mode():
                model.generate(**batch, do_sample=True, top_k=0, max_new_tokens=tokens, min_new_tokens=tokens)

        self.table.add(f"plain generate, {count} answers", f"{count * tokens / self.seconds(work, 1):,.0f} tokens/s")

    def judge(self) -> None:
        rubric = "Question: {question}\nAnswer: {answer}\nGive a number from 0 to 100: "
        asked = [
            JudgeQuestion(rubric, f"what {n}?", "Let the dough rest, then bake it. " * 20)
            for n in range(self.sizes.judged)
        ]
        judge = LocalJudge(self.loaded)
        whole = self.seconds(lambda: judge.score(asked), 1)
        prompts = [judge._ask(question).ids for question in asked]
        reader = judge._reader
        single = self.seconds(lambda: [reader._last_logits([prompt]) for prompt in prompts], 1)  # type: ignore[attr-defined]
        self.table.add(
            "exact integer judging", f"{len(asked) / whole:,.1f} answers/s, {whole / single:.2f} of one forward each"
        )


def cycle_row(bench: Bench, size: CycleSize) -> None:
    """A whole cycle of a worker, with nothing of this process on the device beside its idle model."""
    if bench.loaded.device.type == "cuda":
        torch.cuda.empty_cache()
    figures = cycle_figures(bench.folder / "model", size, bench.loaded.device.type, bench.folder)
    bench.table.add(f"one SFT cycle, {size.draws} draws, {12 * size.per_prompt} eval draws", str(figures))


def vllm_rows(bench: Bench) -> None:
    """Drawing through vLLM: ours, bare, its canaries, and its sleep."""
    sizes, loaded, table = bench.sizes, bench.loaded, bench.table
    settings = EngineSettings(
        model=loaded.name, dtype="bfloat16", device="cuda", length=1024, rank=16, rows=sizes.answers,
        utilization=0.4, sleeps=True,
    )  # fmt: skip
    with serving(loaded.name, settings) as served:
        begun = time.perf_counter()
        served.come_up()
        table.add("vLLM's start", f"{time.perf_counter() - begun:.1f} s")
        seen: list[float] = []
        sampler = VllmSampler(loaded, served, lambda canary: seen.append(canary.apart))
        draws = bench.draws(sizes.answers)
        prompts = [loaded.tokenizer(draw.prompt)["input_ids"] for draw in draws]
        given = [Prompt(ids, draw_seed(draw.key)) for ids, draw in zip(prompts, draws, strict=True)]
        bare = bench.seconds(
            lambda: served.write(given, None, max_tokens=sizes.tokens, temperature=1.0, stop_ids=[]), 2
        )
        ours = bench.seconds(lambda: sampler.draw(draws, None, bench.settings, chat=False), 2)
        table.add(
            f"vLLM, {sizes.answers} answers of {sizes.tokens} tokens",
            f"{sizes.answers * sizes.tokens / ours:,.0f} tokens/s, {bare / ours:.1%} of bare vLLM",
        )
        if bench.adapter is not None:
            sampler.draw(draws[:4], bench.adapter, bench.settings, chat=False)
        served.residency = "sleep"
        before = torch.cuda.mem_get_info()[0]
        served.give_way()
        freed = (torch.cuda.mem_get_info()[0] - before) / 1e9
        begun = time.perf_counter()
        served.come_up()
        table.add("vLLM's sleep", f"frees {freed:.1f} GB, wakes in {time.perf_counter() - begun:.1f} s")
        sampler.draw(draws[:4], bench.adapter, bench.settings, chat=False)
        sampler.draw(draws[:4], None, bench.settings, chat=False)
        table.add("canaries, nats apart (before and after a sleep)", ", ".join(f"{apart:.3f}" for apart in seen))


@contextmanager
def serving(name: str, settings: EngineSettings) -> Iterator[ServedModel]:
    """vLLM for one model, gone afterwards."""
    served = ServedModel(name, settings)
    try:
        yield served
    finally:
        served.close()


def measure(sizes: Sizes, device: str, folder: Path) -> Table:
    """All rows."""
    table = Table(device)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    table.add("device", f"{name}, torch {torch.__version__}")
    begun = time.perf_counter()
    model = build(sizes.shape, folder / "model", device)
    table.add(f"random weights, {sizes.shape.parameters / 1e9:.2f} billion", f"{time.perf_counter() - begun:.1f} s")
    bench = Bench(sizes, load_model(str(model), device), table, folder)
    table.attempt("matrix product", bench.matrix)
    for batch, length, steps in sizes.train:
        table.attempt(f"LoRA training, batch {batch}", lambda b=batch, n=length, s=steps: bench.train(b, n, s))
    table.attempt("exact integer judging", bench.judge)
    table.attempt("transformers sampler", bench.draw_here)
    table.attempt("plain generate", bench.generate)
    if device == "cuda" and find_spec("vllm") is not None:
        torch.cuda.empty_cache()
        table.attempt("vLLM", lambda: vllm_rows(bench))
    else:
        table.add("vLLM", "left out: " + ("not installed" if device == "cuda" else "no GPU"))
    if (size := sizes.cycle) is not None:
        table.attempt("one SFT cycle", lambda: cycle_row(bench, size), needs=CYCLE_SECONDS)
    table.add("all of it", f"{time.monotonic() - table.started:.0f} s")
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.measure")
    parser.add_argument("--dry", action="store_true", help="a small shape on the CPU")
    dry = parser.parse_args().dry
    with tempfile.TemporaryDirectory() as folder:
        measure(DRY if dry else FULL, "cpu" if dry else "cuda", Path(folder))


if __name__ == "__main__":
    main()
