"""How fast a run was: tokens a second of each stage, arithmetic of its trainings, and the memory at its peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import ModelError

if TYPE_CHECKING:
    from store.client import Client

Row = dict[str, Any]
SPEED = """
SELECT s.stage, s.device, s.tokens, s.seconds, s.tokens_per_second, s.memory, r.model, r.regime,
    r.spec ->> '$.train.method' AS method
FROM stage_speed AS s JOIN runs AS r USING (run_id)
WHERE run_id = $run AND s.tokens > 0 AND s.seconds > 0 ORDER BY s.stage
"""
ORDER = ("sample_train", "sample_rejected", "train", "sample_eval", "likelihood", "judge")


def speed_of(client: Client, run_id: str) -> list[Row]:
    """A row for each stage that handled tokens; `flops_per_second` of trainings, None where the shape is not known.

    Operations are those of the model's linear maps (`engine.shape`): the share of a device's rate that they are is its
    model FLOP utilisation.
    """
    from idemtui.cli.reading import rows

    told = []
    for row in rows(client, SPEED, run=run_id):
        each = training_flops(row) if row["stage"] == "train" else None
        rate = None if each is None else each * row["tokens_per_second"]
        own = {name: value for name, value in row.items() if name not in ("model", "regime", "method")}
        told.append({**own, "flops_per_second": rate})
    return told


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


def speed_words(speed: list[Row]) -> str:
    """`draw 812, train 1,203 (0.01 TFLOP/s), judge 5,000 tokens/s; 0.9 GB at the peak`; nothing before any stage."""
    from idemtui.cli.output import size
    from idemtui.preflight.words import NAMES

    known = sorted((row for row in speed if row["stage"] in ORDER), key=lambda row: ORDER.index(row["stage"]))
    if not known:
        return ""
    parts = [f"{NAMES[row['stage']]} {row['tokens_per_second']:,.0f}{_tera(row)}" for row in known]
    peak = max((row["memory"] or 0 for row in known), default=0)
    return f"{', '.join(parts)} tokens/s" + (f"; {size(peak)} at the peak" if peak else "")


def _tera(row: Row) -> str:
    rate = row["flops_per_second"]
    return "" if rate is None else f" ({rate / 1e12:.3g} TFLOP/s)"
