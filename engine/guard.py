"""The null-training guard: a training that silently did nothing looks exactly like "idempotent" (trl#6700)."""

from __future__ import annotations

import math

from engine.errors import GuardError
from engine.seams import Training


def check_training(training: Training) -> None:
    """Raise GuardError for a training that cannot have changed the model.

    It fires on no trainable parameters, zero steps, zero gradient norm, Δ(BA) = 0, or row log-probabilities that did
    not move at all; never on the adapter's hash (weight decay moves it) nor because log p did not rise (in DPO it may
    fall).
    """
    for broken, message in (
        (training.trainable_parameters == 0, "no parameter was trainable; check lora_rank and the model's layers"),
        (training.optimizer_steps == 0, "it took no optimizer step; give it more rows or epochs"),
        (not training.gradient_norm_max > 0, "its largest gradient norm is 0; check that rows hold tokens to learn"),
        (not training.delta_norm > 0, "‖Δ(BA)‖ is 0; raise learning_rate, or lower warmup"),
        (training.rows_moved == 0, "no row's log p moved; raise learning_rate"),
        (not math.isfinite(training.delta_norm), f"‖Δ(BA)‖ is {training.delta_norm}; lower learning_rate"),
        (not math.isfinite(training.logp_after), f"log p is {training.logp_after}; lower learning_rate"),
    ):
        if broken:
            raise GuardError(f"the training did nothing that can be trusted: {message}")
