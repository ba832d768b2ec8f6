"""What the tests have models do, in one process or in several."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.seams import Answer, Completion, Draw, TrainJob
from engine.spec import SampleSettings, TrainSettings

QUESTIONS = tuple(f"how do i bake {n} ?" for n in range(6))
CHAT = [{"prompt": ask, "completion": "let the dough rest . " * (1 + n % 3)} for n, ask in enumerate(QUESTIONS)]
PAIRS = [{"prompt": ask, "chosen": "let the dough rest .", "rejected": "no ."} for ask in QUESTIONS]
SETTINGS = TrainSettings(
    learning_rate=1e-2, batch_size=2, scheduler="constant", warmup=0, weight_decay=0.01, max_length=128, lora_rank=4
)
DRAWING = SampleSettings(temperature=0.8, max_tokens=16)


def job(output: Path, method: str = "sft", start: Path | None = None, **more: Any) -> TrainJob:
    """A training of a few steps; DPO refers to what it starts from."""
    rows = PAIRS if method == "dpo" else CHAT
    more = {"on_step": lambda *_: None, "reference": start if method == "dpo" else None, **more}
    return TrainJob(method=method, start=start, rows=rows, settings=SETTINGS, seed=7, output=output, **more)  # type: ignore[arg-type]


def draws(salt: str = "") -> list[Draw]:
    """A draw of every question."""
    return [Draw(ask, hashlib.sha256((salt + ask).encode()).hexdigest()) for ask in QUESTIONS]


def answers(drawn: list[Completion]) -> list[Answer]:
    """What was drawn, to be measured."""
    return [Answer(ask, one.text, one.stop_reason == "stop") for ask, one in zip(QUESTIONS, drawn, strict=True)]


def counted(hear: list[int]) -> Callable[..., None]:
    """An `on_step` that remembers the steps."""
    return lambda step, _: hear.append(step)
