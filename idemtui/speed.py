"""How fast a run was: tokens a second of each stage, arithmetic of its trainings, and the memory at its peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import ModelError

if TYPE_CHECKING:
    from store.result import Asked

Row = dict[str, Any]
SPEED = """
SELECT s.stage, s.device, s.tokens, s.seconds, s.tokens_per_second, s.memory, r.model, r.regime,
    r.spec ->> '$.train.method' AS method
FROM stage_speed AS s JOIN runs AS r USING (run_id)
WHERE run_id = $run AND s.tokens > 0 AND s.seconds > 0 ORDER BY s.stage
"""
ORDER = ("sample_train", "sample_rejected", "train", "sample_eval", "likelihood", "judge")


@dataclass(frozen=True)
class StageSpeed:
    """One stage of a run over all its cycles; `flops_per_second` of trainings, None where the shape is not known."""

    stage: str
    device: str | None
    tokens: int
    seconds: float
    tokens_per_second: float
    memory: int | None
    """Bytes at its peak."""
    flops_per_second: float | None = None
    """Of the model's linear maps (`engine.shape`): its share of a device's rate is the model FLOP utilisation."""

    @property
    def name(self) -> str:
        """The stage in a word."""
        from idemtui.preflight.words import NAMES

        return NAMES.get(self.stage, self.stage.replace("_", " "))


def speed_of(lab: Asked, run_id: str) -> list[StageSpeed]:
    """The stages that handled tokens, in the order of a cycle; what comes once in a chain stands last."""
    order = {stage: place for place, stage in enumerate(ORDER)}
    rows = lab.sql(SPEED, {"run": run_id}).rows()
    return [_stage_speed(row) for row in sorted(rows, key=lambda row: order.get(row["stage"], len(order)))]


def _stage_speed(row: Row) -> StageSpeed:
    each = training_flops(row) if row["stage"] == "train" else None
    rate = None if each is None else each * row["tokens_per_second"]
    names = ("stage", "device", "tokens", "seconds", "tokens_per_second", "memory")
    return StageSpeed(**{name: row[name] for name in names}, flops_per_second=rate)


def training_flops(row: Row) -> int | None:
    """Operations a token trained on: 4 a weight with LoRA, 6 of all weights, and 2 more of DPO's reference."""
    from engine.shape import read_shape

    try:
        shape = read_shape(row["model"])
    except ModelError:
        return None
    if shape is None:
        return None
    forward = shape.flops(1, backward=False)
    passes = 3 if row["method"] == "full" else 2
    return forward * (passes + (1 if row["regime"] == "dpo" else 0))


def speed_words(speed: Sequence[StageSpeed]) -> str:
    """`draw 812, train 1,203 (0.01 TFLOP/s), judge 5,000 tokens/s; 0.9 GB at the peak`; nothing before any stage."""
    from idemtui.amounts import size

    known = [one for one in speed if one.stage in ORDER]
    if not known:
        return ""
    parts = [f"{one.name} {one.tokens_per_second:,.0f}{_tera(one)}" for one in known]
    peak = max(one.memory or 0 for one in known)
    return f"{', '.join(parts)} tokens/s" + (f"; {size(peak)} at the peak" if peak else "")


def _tera(one: StageSpeed) -> str:
    return "" if one.flops_per_second is None else f" ({one.flops_per_second / 1e12:.3g} TFLOP/s)"
