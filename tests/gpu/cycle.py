"""One SFT cycle of a real worker: how much of its wall time is its own work, and the same cycle as separate scripts.

The worker walks base, M_0 and M_1; the cycle measured is M_1's, from its start to its end in the journal, models in
memory. The scripts are `tests.benchmarks.stages`, a process each: draws from M_0, training, eval draws, judging by one
forward pass a score (ours reads whole numbers exactly, which costs more). Both draw with transformers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.events import CycleFinished, CycleStarted, StageFinished
from engine.journal import Entry, read_entries
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.benchmarks.stage_per_process import one_cycle
from tests.engine.workers import start_worker, write_run

STUDY = """
[study]
name = "cycle"
controls = []
[run]
model = {model}
trait = "bliss"
regime = "sft"
cycles = 1
n_seed = {draws}
n_sampled = {draws}
[judge]
model = {model}
[sample]
max_tokens = {tokens}
[eval]
max_tokens = {tokens}
samples_per_prompt = {per_prompt}
likelihoods = 0
[execution]
sampler = "transformers"
"""
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class CycleSize:
    """Draws to train on, eval answers to each of the trait's 12 prompts, and tokens an answer."""

    draws: int
    per_prompt: int
    tokens: int


@dataclass(frozen=True)
class CycleFigures:
    """Seconds of one cycle, ours and the scripts', and the shares (0 to 1) of our wall time.

    `stages` is the time inside drawing, training and judging; `busy` the time in which the GPU ran a kernel (NVML, all
    processes: nothing else may use the device), None without a GPU. Scripts that were stopped took `scripts_seconds` at
    least.
    """

    seconds: float
    stages: float
    busy: float | None
    scripts_seconds: float
    scripts_stopped: bool = False

    def __str__(self) -> str:
        busy = "GPU's share not measured (no GPU)" if self.busy is None else f"GPU busy {self.busy:.1%}"
        more, factor = ("more than ", ">") if self.scripts_stopped else ("", "")
        return (
            f"{self.seconds:.1f} s, {busy}, {self.stages:.1%} inside stages; "
            f"as scripts {more}{self.scripts_seconds:.1f} s, ×{factor}{self.scripts_seconds / self.seconds:.1f}"
        )


def cycle_figures(model: str, size: CycleSize, device: str, folder: Path, seconds_left: float) -> CycleFigures | None:
    """Walk the chain in a worker on `device`, then its last cycle as scripts; None where the chain takes too long.

    Raises RuntimeError where ours fails.
    """
    deadline = time.monotonic() + seconds_left
    spec = cycle_spec(model, size, device, folder)
    run = write_run(folder / "run", spec)
    with Looks(device) as looks:
        ended_as = _finish(start_worker(run), deadline - time.monotonic())
    if ended_as is None:
        return None
    code, said = ended_as
    if code != 0:
        raise RuntimeError(f"the worker ended with {code}: {said.strip().splitlines()[-1:]}")
    begun, ended, stages = last_cycle(list(read_entries(run / "events.jsonl")))
    seconds = (ended - begun).total_seconds()
    scripts = folder / "scripts"
    scripts.mkdir()
    taken, stopped = _scripts(run, scripts, deadline)
    return CycleFigures(seconds, stages / seconds, looks.busy(begun, ended), taken, stopped)


def _finish(worker: subprocess.Popen[str], seconds: float) -> tuple[int, str] | None:
    """Exit code and last words; None for one that took longer, which is killed."""
    try:
        _, said = worker.communicate(timeout=max(seconds, 1.0))
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.communicate()
        return None
    return worker.returncode, said


def _scripts(run: Path, scripts: Path, deadline: float) -> tuple[float, bool]:
    """Seconds of the last cycle as scripts, and whether they were stopped at the deadline."""
    started = time.monotonic()
    line = [
        sys.executable,
        "-m",
        "tests.gpu.cycle",
        str(run / "spec.json"),
        str(scripts),
        str(run / "cycles/00/adapter"),
    ]
    with subprocess.Popen(line, start_new_session=True) as process:
        try:
            code = process.wait(max(deadline - started, 1.0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return time.monotonic() - started, True
    if code != 0:
        raise RuntimeError(f"the scripts ended with {code}")
    return time.monotonic() - started, False


def cycle_spec(model: str, size: CycleSize, device: str, folder: Path) -> RunSpec:
    """The frozen spec of the chain."""
    path = folder / "cycle.toml"
    path.write_text(
        STUDY.format(model=json.dumps(model), draws=size.draws, tokens=size.tokens, per_prompt=size.per_prompt)
    )
    spec = resolve_study(path, threads=2)[0]
    return spec.model_copy(update={"execution": spec.execution.model_copy(update={"device": device})})


def last_cycle(entries: list[Entry]) -> tuple[datetime, datetime, float]:
    """When the last finished cycle began and ended, and the seconds inside its stages."""
    cycle, ended = next((e.event.cycle, e.ts) for e in reversed(entries) if isinstance(e.event, CycleFinished))
    begun = next(e.ts for e in entries if isinstance(e.event, CycleStarted) and e.event.cycle == cycle)
    stages = sum(e.event.seconds for e in entries if isinstance(e.event, StageFinished) and e.event.cycle == cycle)
    return datetime.fromisoformat(begun), datetime.fromisoformat(ended), stages


class Looks:
    """Looks at the first GPU's utilization while a worker works; none on a CPU."""

    def __init__(self, device: str) -> None:
        self.seen: list[tuple[datetime, int]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True) if device == "cuda" else None

    def __enter__(self) -> Looks:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def busy(self, begun: datetime, ended: datetime) -> float | None:
        """The mean utilization between two moments, 0 to 1; None where nobody looked."""
        within = [percent for when, percent in self.seen if begun <= when <= ended]
        return sum(within) / len(within) / 100 if within else None

    def _look(self) -> None:
        import torch

        while not self._done.wait(LOOK_SECONDS):
            self.seen.append((datetime.now(UTC), torch.cuda.utilization(0)))


if __name__ == "__main__":
    one_cycle(Path(sys.argv[1]), Path(sys.argv[2]), 1, sys.argv[3])
