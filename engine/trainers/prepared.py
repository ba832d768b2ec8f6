"""A TRL trainer ready to run, with what is known of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.trainers.probe import Target


@dataclass(frozen=True)
class Prepared:
    """`targets` are the rows as trained (chosen sides for dpo); `tokens` those of one epoch, both sides of a pair."""

    trainer: Any
    targets: list[Target]
    tokens: int
    dropped_rows: int
    truncated_rows: int
