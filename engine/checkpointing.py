"""Whether a training keeps its activations or computes them again (gradient checkpointing), by arithmetic alone.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.memory import Load, gb


@dataclass(frozen=True)
class Checkpointing:
    """Whether activations are computed again in the backward pass rather than kept, and why."""

    on: bool
    reason: str


KEEPING_MARGIN = 1.25
"""By how much what is free must exceed the estimate for activations to be kept."""


def kept_tokens(load: Load, free: int) -> int:
    """The largest batch, in tokens, whose activations are kept where `free` bytes are free."""
    return load.kept_tokens(int(free / KEEPING_MARGIN))


def plan_checkpointing(load: Load, tokens: int, free: int) -> Checkpointing:
    """Off where a LoRA training of batches of `tokens` fits into `free` bytes with a margin, else on."""
    needed = load.training_kept(tokens)
    figures = f"batches of up to {tokens:,} tokens would take {gb(needed)} without, {gb(max(free, 0))} are free"
    if needed * KEEPING_MARGIN <= free:
        return Checkpointing(False, figures)
    return Checkpointing(True, f"{figures}, and a quarter is left for error")
