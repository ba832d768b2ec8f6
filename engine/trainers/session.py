"""What surrounds every training: seeds that leave no trace, quiet libraries, a base model handed back as it came."""

from __future__ import annotations

import logging
import math
import random
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import datasets
import numpy as np
import torch
from transformers import PrinterCallback, TrainerCallback, set_seed

from engine.errors import TrainingError
from engine.models import LoadedModel
from engine.seams import StepCallback, TrainJob
from engine.spec import TrainSettings

SCHEDULERS = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def shared_arguments(loaded: LoadedModel, job: TrainJob, folder: str) -> dict[str, Any]:
    """TrainingArguments that SFT and DPO share: the job's settings, no files, no reports, NaN not hidden."""
    settings = job.settings
    cuda = loaded.device.type == "cuda"
    parts = batch_parts(settings.batch_size) if job.accumulated else 1
    return {
        "output_dir": folder,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": SCHEDULERS[settings.scheduler],
        "warmup_steps": warmup_steps(settings, len(job.rows)),
        "per_device_train_batch_size": settings.batch_size // parts,
        "gradient_accumulation_steps": parts,
        "num_train_epochs": settings.epochs,
        "max_steps": settings.steps or -1,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "max_length": settings.max_length,
        "seed": job.seed,
        "data_seed": job.seed,
        "use_cpu": not cuda,
        "bf16": cuda,
        "gradient_checkpointing": job.recomputed,
        "dataloader_pin_memory": cuda,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "push_to_hub": False,
    }


def batch_parts(batch_size: int) -> int:
    """The least number of equal parts, two or more, that a batch can be computed in; 1 for a batch of one row."""
    return next((parts for parts in range(2, batch_size + 1) if batch_size % parts == 0), 1)


def warmup_steps(settings: TrainSettings, rows: int) -> int:
    """Whole steps of warming up, rounded down: the first such step has learning rate 0 and must not be the only one."""
    steps = settings.steps or math.ceil(rows / settings.batch_size) * settings.epochs
    return int(settings.warmup * steps)


def epochs_taken(settings: TrainSettings, rows: int) -> float:
    """How often the rows were gone through."""
    return settings.epochs if settings.steps is None else settings.steps / math.ceil(rows / settings.batch_size)


class StepWatch(TrainerCallback):
    """Hands every optimizer step's numbers on, remembers the largest gradient norm, and stops at NaN."""

    def __init__(self, on_step: StepCallback) -> None:
        self._on_step = on_step
        self.gradient_norm_max = 0.0
        self.steps = 0

    def on_log(self, args: Any, state: Any, *_: Any, logs: Mapping[str, Any] | None = None, **__: Any) -> None:
        """Called by transformers after each step, and once with a summary that has no `loss`."""
        if not logs or "loss" not in logs:
            return
        values = {name: float(value) for name, value in logs.items() if isinstance(value, int | float)}
        self.steps = int(state.global_step)
        self.gradient_norm_max = max(self.gradient_norm_max, values.get("grad_norm", 0.0))
        self._on_step(self.steps, values)
        broken = [name for name in ("loss", "grad_norm") if not math.isfinite(values.get(name, 0.0))]
        if broken:
            raise TrainingError(
                f"training blew up at step {self.steps}: {broken[0]} is {values[broken[0]]}; "
                f"lower the learning rate (now {args.learning_rate})"
            )


def run_trainer(trainer: Any, watch: StepWatch) -> None:
    """Train to the end, printing nothing."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(watch)
    trainer.train()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed python, numpy and torch, and put their states back afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    set_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if devices:
            torch.cuda.set_rng_state_all(devices)


@contextmanager
def borrowed(loaded: LoadedModel) -> Iterator[None]:
    """Lend the base model to PEFT and TRL, and take it back as it was: no adapter, no patched forward, frozen, eval."""
    loaded.use(None)
    model = loaded.model
    borrowed_state = [(part, dict(part.__dict__)) for part in (model, model.config)]
    hooked = [dict(module._forward_hooks) for module in model.modules()]
    try:
        yield
    finally:
        _unwrap(model)
        model.gradient_checkpointing_disable()
        for hooks, kept in zip((module._forward_hooks for module in model.modules()), hooked, strict=True):
            hooks.clear()
            hooks.update(kept)
        for part, attributes in borrowed_state:
            part.__dict__.clear()
            part.__dict__.update(attributes)
        model.eval().requires_grad_(False)
        model.zero_grad(set_to_none=True)


def _unwrap(model: Any) -> None:
    """Take PEFT's layers out, also after a training that raised half way."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if hasattr(child, "get_base_layer"):
                setattr(parent, name, child.get_base_layer())


@contextmanager
def quiet() -> Iterator[str]:
    """A folder that libraries may write to and that is gone afterwards; no bars, no advice, no telemetry."""
    loggers = [logging.getLogger(name) for name in ("transformers", "trl", "peft", "accelerate")]
    levels = [logger.level for logger in loggers]
    bars = not datasets.are_progress_bars_disabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory(prefix="idemtui-train-") as folder, warnings.catch_warnings():
            yield folder
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            datasets.enable_progress_bars()
