"""The tables of the Run room: trainings, what was measured of each generation, stages, events, log, settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import chop_cells

from idemtui.amounts import size
from idemtui.console.facts import Adapter, Logged, Point, Run, RunDetail, Setting
from idemtui.console.widgets.columns import Cell, Column, Tone
from idemtui.console.words import NONE, generation, interval, number, score, signed
from idemtui.speed import StageSpeed
from idemtui.text import one_line, plain
from store.measures import Measures

INHERITED = "←"
"""Behind a generation that a fork took from its parent."""
MEASURES = (
    Column("gen", 4),
    Column("s [90 %]", 17),
    Column("coherence [90 %]", 18),
    Column("null", 4, rank=7, right=True),
    Column("ppl", 6, right=True),
    Column("[90 %]", 14, rank=6),
    Column("in blocks", 9, rank=4, right=True),
    Column("KL", 6, right=True),
    Column("± se", 6, rank=8, right=True),
    Column("KL/answer", 9, rank=5, right=True),
    Column("nll", 5, right=True),
    Column("dist1", 5, rank=3, right=True),
    Column("dist2", 5, rank=1, right=True),
    Column("dist3", 5, rank=3, right=True),
    Column("w/sent", 6, rank=2, right=True),
)
"""KL is KL(M_j‖M_init) a token and nll of its own answers a token, both in nats; ppl is under M_init, w/sent words."""
SPEED = (
    Column("stage", 13, flex=1),
    Column("device", 8, rank=1),
    Column("seconds", 8, right=True),
    Column("tokens", 10, rank=2, right=True),
    Column("tokens/s", 8, right=True),
    Column("TFLOP/s", 7, rank=3, right=True),
    Column("peak", 7, right=True),
)
ADAPTERS = (
    Column("made", 5),
    Column("from", 6),
    Column("reference", 9, rank=1),
    Column("steps", 5, right=True),
    Column("‖ΔW‖", 7, right=True),
    Column("‖g‖max", 7, rank=2, right=True),
    Column("s", 5, right=True),
    Column("Δ", 6, right=True),
    Column("coherence", 9, right=True),
    Column("null", 4, rank=4, right=True),
    Column("adapter", 12, rank=5, flex=1),
    Column("made by", 10, rank=3, flex=1),
)
LOG = (Column("the end of worker.log", 20, flex=1),)
NARROWEST = 20
"""Cells that a line of the log is not broken below."""
EVENTS = (Column("at", 8), Column("what happened", 20, flex=1))
SETTINGS = (Column("setting", 20, flex=1), Column("value", 12, flex=2), Column("from", 7))
ORIGIN_TONES: dict[str, Tone] = {"study": "accent", "recipe": "good", "default": "dim"}


def adapter_cells(run: Run, adapter: Adapter) -> tuple[Cell, ...]:
    """One training with what came of it."""
    point = run.at(adapter.cycle)
    trait = point.trait if point else None
    seeded = run.seeded
    moved = trait - seeded if trait is not None and seeded is not None and adapter.cycle > 0 else None
    return (
        Cell(generation(adapter.cycle) + (INHERITED if adapter.made_by else "")),
        Cell(adapter.init),
        Cell(adapter.reference),
        Cell(NONE if adapter.optimizer_steps is None else str(adapter.optimizer_steps)),
        Cell(number(adapter.delta_norm, 3)),
        Cell(number(adapter.gradient_norm_max, 2)),
        Cell(number(trait)),
        Cell(signed(moved)),
        Cell(number(point.coherence if point else None)),
        Cell(str(point.nulls) if point else NONE),
        Cell(adapter.sha256[:12], "dim"),
        Cell(one_line(adapter.made_by) or "this run", "dim"),
    )


def measure_cells(run: Run, detail: RunDetail) -> list[tuple[Cell, ...]]:
    """A row for each generation that has been measured."""
    held = {one.cycle: one for one in detail.measures}
    sure = {cycle: (low, high) for cycle, low, high in detail.coherence}
    return [_measured(run, point, held.get(point.cycle), sure.get(point.cycle)) for point in run.points]


def _measured(run: Run, point: Point, held: Measures | None, sure: tuple[float, float] | None) -> tuple[Cell, ...]:
    trait = None if point.low is None or point.high is None else (point.low, point.high)
    own = (
        generation(point.cycle) + (INHERITED if run.inherits(point.cycle) else ""),
        with_interval(point.trait, trait, run.judge_method),
        with_interval(point.coherence, sure, run.judge_method),
        str(point.nulls),
    )
    return tuple(Cell(text) for text in own + (_likely(held) if held else (NONE,) * (len(MEASURES) - len(own))))


def _likely(held: Measures) -> tuple[str, ...]:
    """What a generation's row has beside its scores."""
    return (
        number(held.perplexity, 2),
        interval(held.perplexity_low, held.perplexity_high, 2),
        number(held.block_perplexity, 2),
        number(held.kl_token, 3),
        number(held.kl_token_se, 3),
        number(held.kl_sequence, 1),
        number(held.self_nll, 2),
        number(held.distinct_1, 2),
        number(held.distinct_2, 2),
        number(held.distinct_3, 2),
        number(held.mean_sentence_length),
    )


def with_interval(value: float | None, ends: tuple[float, float] | None, method: str | None) -> str:
    """`47.5 [44.1, 50.9]`; the score alone where it has no interval, behind ≈ where a judge drew it."""
    within = f" {interval(*ends)}" if ends and value is not None else ""
    return score(value, method) + within


def speed_cells(one: StageSpeed) -> tuple[Cell, ...]:
    """One stage over all cycles of a run."""
    return (
        Cell(one.name),
        Cell(one_line(one.device or NONE), "dim"),
        Cell(f"{one.seconds:,.1f}"),
        Cell(f"{one.tokens:,}"),
        Cell(f"{one.tokens_per_second:,.0f}"),
        Cell(number(None if one.flops_per_second is None else one.flops_per_second / 1e12, 3)),
        Cell(NONE if one.memory is None else size(one.memory)),
    )


def event_cells(event: Logged) -> tuple[Cell, ...]:
    """One event with its time of day."""
    return (Cell(event.when, "dim"), Cell(one_line(event.words)))


def setting_cells(setting: Setting) -> tuple[Cell, ...]:
    """One value of the frozen spec with its origin."""
    return (
        Cell(setting.name),
        Cell(one_line(setting.value)),
        Cell(setting.origin, ORIGIN_TONES.get(setting.origin, "")),
    )


def log_cells(lines: Sequence[str], width: int) -> list[tuple[Cell, ...]]:
    """The log's lines, long ones on several rows of at most `width` cells: what went wrong stands at their end."""
    if not lines:
        return [(Cell("nothing was printed", "dim"),)]
    shown = (plain(line).replace("\n", " ") for line in lines)
    return [(Cell(part),) for line in shown for part in chop_cells(line, max(width, NARROWEST)) or [""]]
