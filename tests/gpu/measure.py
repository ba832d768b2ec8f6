"""The figures of a GPU in one table, within nine minutes, with random weights and without a network.

    python -m tests.gpu.measure            Qwen3-4B's shape on the first GPU; vLLM's rows where it is installed
    python -m tests.gpu.measure --dry      the pocket model on the CPU, to see that every row can be made

Rates are the best of few repetitions after one that is thrown away, on a device that should be otherwise idle. A figure
that was not measured has its row all the same, with the reason. What is left out: more than one GPU.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from engine.models import LoadedModel, load_model
from engine.shape import Shape, read_shape
from tests.gpu.bench import Bench, Sizes
from tests.gpu.cycle import CycleSize, cycle_figures
from tests.gpu.models import QWEN3_4B, build
from tests.gpu.table import NotMeasuredError, Table
from tests.gpu.vllm_rows import VllmRows

FULL = Sizes(8192, ((16, 1024, 6), (2, 1024, 10)), 512, 256, 128, CycleSize(50, 10, 256))
DRY = Sizes(256, ((2, 64, 4),), 4, 8, 4, CycleSize(4, 1, 8))
POCKET = "pocket/instruct"


def measure(sizes: Sizes, device: str, folder: Path, table: Table | None = None, *, cycle: bool = True) -> Table:
    """All rows."""
    table = table or Table(device)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    table.add("device", f"{name}, torch {torch.__version__}")
    bench = Bench(sizes, *_model(device, folder, table), table, folder)
    table.attempt(f"matrix product {sizes.matrix}, {bench.loaded.model.dtype}", bench.matrix)
    for batch, length, steps in sizes.train:
        _training_rows(bench, batch, length, steps)
    table.attempt("exact integer judging", bench.judge)
    table.attempt(f"plain generate, {sizes.answers} answers of {sizes.tokens} tokens", bench.generate)
    table.attempt(f"transformers sampler, {sizes.answers} answers of {sizes.tokens} tokens", bench.draw_here)
    VllmRows(bench).measure()
    if cycle:
        size = sizes.cycle
        named = f"one SFT cycle, {size.draws} draws, {12 * size.per_prompt} eval draws"
        table.attempt(named, lambda: _cycle(bench))
    table.add("all of it", f"{time.monotonic() - table.started:.0f} s")
    return table


def _model(device: str, folder: Path, table: Table) -> tuple[Shape, LoadedModel]:
    """Shape and model: random weights on a GPU, the pocket model on a CPU."""
    if device == "cpu":
        shape = read_shape(POCKET)
        assert shape is not None
        table.add("weights", f"{POCKET}, {shape.parameters / 1e6:.2f} million")
        return shape, load_model(POCKET, device)
    begun = time.perf_counter()
    path = build(QWEN3_4B, folder / "model", device)
    seconds = time.perf_counter() - begun
    table.add("weights", f"random, {QWEN3_4B.parameters / 1e9:.2f} billion, made in {seconds:.1f} s")
    return QWEN3_4B, load_model(str(path), device)


def _training_rows(bench: Bench, batch: int, length: int, steps: int) -> None:
    """As a run would train, and where that keeps activations also without keeping them."""
    named, keeps = f"LoRA training, batch {batch} × {length} tokens", bench.keeps(batch, length)
    for recomputed in (False, True) if keeps else (True,):
        said = f"{named}, {'checkpointed' if recomputed else 'activations kept'}"
        bench.table.attempt(said, lambda again=recomputed: bench.train(batch, length, steps, recomputed=again))
    if not keeps:
        bench.table.missing(f"{named}, activations kept", "they do not fit on this device with a margin")


def _cycle(bench: Bench) -> str:
    """A whole cycle of a worker, with nothing of this process on the device beside its idle model."""
    if bench.on_gpu:
        torch.cuda.empty_cache()
    left = bench.table.left
    figures = cycle_figures(bench.loaded.name, bench.sizes.cycle, bench.loaded.device.type, bench.folder, left)
    if figures is None:
        raise NotMeasuredError(f"the worker's chain did not end within the {left:.0f} s that were left")
    return str(figures)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.measure")
    parser.add_argument("--dry", action="store_true", help="the pocket model on the CPU")
    dry = parser.parse_args().dry
    if not dry and not torch.cuda.is_available():
        parser.error("no GPU can be seen by torch; --dry makes the rows on the CPU")
    with tempfile.TemporaryDirectory() as folder:
        measure(DRY if dry else FULL, "cpu" if dry else "cuda", Path(folder))


if __name__ == "__main__":
    main()
