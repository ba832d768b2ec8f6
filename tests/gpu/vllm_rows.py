"""vLLM's rows: drawing through our sampler beside bare vLLM and plain generate, judging, canaries, sleep."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec

import torch

from engine.judges.ahead import AheadReader
from engine.judges.local import LocalJudge
from engine.own_model import InProcess
from engine.samplers.vllm import VllmSampler, draw_seed
from engine.vllm.messages import EngineSettings, Prompt
from engine.vllm.process import EngineProcess, StartServing
from engine.vllm.served import ServedModel
from tests.gpu.bench import Bench
from tests.gpu.table import NotMeasuredError

BARE = "bare vLLM, {answers} answers of {tokens} tokens"
START, DRAWN, JUDGED = (
    "vLLM's start",
    "vLLM, {answers} answers of {tokens} tokens",
    "exact integer judging, through vLLM",
)
SLEEP, CANARIES = "vLLM's sleep", "canaries, nats apart (before and after a sleep)"
UTILIZATION = 0.4


@dataclass
class VllmRows:
    """What is measured of one served model."""

    bench: Bench
    start: StartServing = EngineProcess
    bare: float | None = None
    """Tokens a second of bare vLLM."""
    apart: list[float] = field(default_factory=list)
    """Of every canary so far."""

    def names(self) -> list[str]:
        """Every row, in order."""
        sizes = {"answers": self.bench.sizes.answers, "tokens": self.bench.sizes.tokens}
        return [name.format(**sizes) for name in (BARE, START, DRAWN, JUDGED, SLEEP, CANARIES)]

    def measure(self) -> None:
        """All rows, or for each why there is none."""
        table, (bare, *served) = self.bench.table, self.names()
        why = unavailable(self.bench.loaded.device.type)
        if why:
            for name in (bare, *served):
                table.missing(name, why)
            return
        torch.cuda.empty_cache()
        table.attempt(bare, self.measure_bare)
        self.measure_served()

    def measure_served(self) -> None:
        """The rows of one vLLM as a worker has it."""
        _, start, drawn, judged, sleep, canaries = self.names()
        table, sizes = self.bench.table, self.bench.sizes
        settings = EngineSettings(
            model=self.bench.loaded.name, dtype="bfloat16", device="cuda", length=1024, rank=16, rows=sizes.answers,
            utilization=UTILIZATION, sleeps=True,
        )  # fmt: skip
        with serving(self.bench.loaded.name, settings, self.start) as served:
            if not table.attempt(start, lambda: _start(served)):
                for name in (drawn, judged, sleep, canaries):
                    table.missing(name, "vLLM did not start")
                return
            sampler = VllmSampler(InProcess(self.bench.loaded), served, lambda canary: self.apart.append(canary.apart))
            table.attempt(drawn, lambda: self._draw(served, sampler))
            table.attempt(judged, lambda: self._judge(served))
            table.attempt(sleep, lambda: self._sleep(served, sampler))
            table.attempt(canaries, self._canaries)

    def prompts(self) -> list[list[int]]:
        """Token ids of what is answered."""
        draws = self.bench.draws(self.bench.sizes.answers)
        return [list(self.bench.loaded.tokenizer(draw.prompt)["input_ids"]) for draw in draws]

    def measure_bare(self) -> str:
        """In a process of its own, which is gone afterwards."""
        asked = {
            "model": self.bench.loaded.name, "dtype": "bfloat16", "length": 1024, "rows": self.bench.sizes.answers,
            "utilization": UTILIZATION, "tokens": self.bench.sizes.tokens, "prompts": self.prompts(),
        }  # fmt: skip
        path = self.bench.folder / "bare.json"
        path.write_text(json.dumps(asked))
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.gpu.bare_vllm", str(path)],
                stdout=subprocess.PIPE, text=True, check=True, timeout=max(self.bench.table.left, 1.0),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NotMeasuredError("it did not end within the time of this table") from None
        self.bare = float(json.loads(done.stdout.splitlines()[-1])["tokens_per_second"])
        return f"{self.bare:,.0f} tokens/s"

    def _draw(self, served: ServedModel, sampler: VllmSampler) -> str:
        bench, sizes = self.bench, self.bench.sizes
        draws = bench.draws(sizes.answers)
        given = [Prompt(ids, draw_seed(draw.key)) for ids, draw in zip(self.prompts(), draws, strict=True)]
        engine = bench.seconds(
            lambda: served.write(given, None, max_tokens=sizes.tokens, temperature=1.0, stop_ids=[]), 2
        )
        drawn: list[int] = []
        ours = bench.seconds(
            lambda: drawn.append(sum(c.tokens for c in sampler.draw(draws, None, bench.settings, chat=False))), 2
        )
        rate, same = drawn[-1] / ours, sizes.answers * sizes.tokens / engine
        bare = "share of bare vLLM not measured" if self.bare is None else f"{rate / self.bare:.1%} of bare vLLM"
        plain = "factor over generate not measured"
        if bench.generate_rate:
            plain = f"×{rate / bench.generate_rate:.1f} of plain generate"
        return f"{rate:,.0f} tokens/s, {bare}, {rate / same:.1%} of the same engine told directly, {plain}"

    def _judge(self, served: ServedModel) -> str:
        judge = LocalJudge(self.bench.loaded, AheadReader(self.bench.loaded.tokenizer, served.look_ahead))
        asked = self.bench.questions()
        return f"{len(asked) / self.bench.seconds(lambda: judge.score(asked), 1):,.1f} answers/s"

    def _sleep(self, served: ServedModel, sampler: VllmSampler) -> str:
        draws = self.bench.draws(4)
        if self.bench.adapter is not None:
            sampler.draw(draws, self.bench.adapter, self.bench.settings, chat=False)
        served.residency = "sleep"
        before = torch.cuda.mem_get_info()[0]
        served.give_way()
        freed = (torch.cuda.mem_get_info()[0] - before) / 1e9
        woken = _start(served)
        sampler.draw(draws, self.bench.adapter, self.bench.settings, chat=False)
        sampler.draw(draws, None, self.bench.settings, chat=False)
        return f"frees {freed:.1f} GB, wakes in {woken}"

    def _canaries(self) -> str:
        if not self.apart:
            raise NotMeasuredError("no canary flew")
        return ", ".join(f"{apart:.3f}" for apart in self.apart)


def unavailable(device: str) -> str | None:
    """Why vLLM cannot be measured here."""
    if device != "cuda":
        return "no GPU"
    return None if find_spec("vllm") is not None else 'vLLM is not installed (`pip install "idemtui[vllm]"`)'


def _start(served: ServedModel) -> str:
    begun = time.perf_counter()
    served.come_up()
    return f"{time.perf_counter() - begun:.1f} s"


@contextmanager
def serving(name: str, settings: EngineSettings, start: StartServing) -> Iterator[ServedModel]:
    """vLLM for one model, gone afterwards."""
    served = ServedModel(name, settings, start=start)
    try:
        yield served
    finally:
        served.close()
