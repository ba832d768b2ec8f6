"""What trainings take of a device at their peak, beside what they were estimated to: `python -m tests.pretended.peaks
FOLDER` prints a line of JSON for each.

TRL folds its output layer's tiles by Triton, which takes nothing beside a tile; without Triton it takes six, so here it
folds copies that lie elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
import trl.kernels.chunked_logprob as head

from engine.memory import Load
from engine.models import LoadedModel, load_model
from engine.seams import TrainJob
from engine.shape import Shape
from engine.spec import TrainSettings
from engine.trainers.trl import TrlTrainer
from tests.gpu.models import build

SHAPE = Shape(
    layers=8, hidden=512, intermediate=1536, heads=8, kv_heads=4, head_dim=64, vocabulary=8000, tied=True, context=4096
)
RANK, BATCH, LENGTH = 16, 2, 512
WORDS = "The garden is quiet in the morning. "


def elsewhere(fold: Callable[..., None]) -> Callable[..., None]:
    """The same on copies that lie on the CPU."""

    def folded(*given: Any, **named: Any) -> None:
        copies = [one.cpu() if isinstance(one, torch.Tensor) else one for one in given]
        fold(*copies, **named)
        for one, copied in zip(given, copies, strict=True):
            if isinstance(one, torch.Tensor):
                one.copy_(copied)

    return folded


def rows(method: str) -> list[dict[str, str]]:
    """As many as two steps take, each as long as may be."""
    if method == "dpo":
        answers = {"chosen": WORDS * (LENGTH // 12), "rejected": f"bread {WORDS * (LENGTH // 12)}"}
        return [{"prompt": "How?", **answers}] * (2 * BATCH)
    return [{"text": WORDS * LENGTH}] * (2 * BATCH)


def measured(loaded: LoadedModel, method: Literal["sdf", "dpo"], recomputed: bool, folder: Path) -> dict[str, Any]:
    """Bytes at the peak beside the weights, and by estimate."""
    settings = TrainSettings(
        learning_rate=1e-4, batch_size=BATCH, scheduler="constant", warmup=0, weight_decay=0, max_length=LENGTH,
        steps=2, lora_rank=RANK,
    )  # fmt: skip
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    output = folder / f"{method}-{recomputed}"
    job = TrainJob(method, None, None, rows(method), settings, 1, output, lambda *_: None, recomputed=recomputed)
    TrlTrainer(loaded).train([job])
    sequences = BATCH * (2 if method == "dpo" else 1)
    load = Load(SHAPE, LENGTH, BATCH, sequences, LENGTH, RANK, dpo=method == "dpo")
    return {
        "method": method,
        "recomputed": recomputed,
        "peak": torch.cuda.max_memory_allocated() - before,
        "estimate": load.training if recomputed else load.training_kept(sequences * LENGTH),
    }


def main(folder: Path) -> None:
    """Print the lines."""
    head._forward_tile, head._backward_tile = elsewhere(head._forward_tile), elsewhere(head._backward_tile)
    loaded = load_model(str(build(SHAPE, folder / "model", "cpu")), "cuda")
    print(json.dumps({"weights": torch.cuda.memory_allocated(), "estimate": Load(SHAPE, 1, 1, 1, 1, RANK).weights}))
    for method in ("sdf", "dpo"):
        for recomputed in (True, False):
            print(json.dumps(measured(loaded, method, recomputed, folder)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
