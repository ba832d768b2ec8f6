"""Which prompts each cycle draws from: disjoint slices of the pool, in an order keyed by the run's seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import SpecError
from engine.events import prompt_id
from engine.keys import key


@dataclass(frozen=True)
class PlannedDraw:
    """One answer to be drawn: which prompt, and the how-manieth answer to it in this cycle and purpose."""

    prompt_id: str
    prompt: str
    draw: int


def check_pool(size: int, cycles: int, n_sampled: int, seeding: int = 0, *, reuse: bool) -> None:
    """Refuse a pool too small for disjoint slices, `seeding` prompts for M_0 among them, unless reuse was asked for."""
    needed = cycles * n_sampled + seeding
    apart = f" and {seeding} for the seed" if seeding else ""
    if size < needed and not reuse:
        raise SpecError(
            f"the pack's pool has {size} training prompts, but {cycles} cycles × n_sampled = {n_sampled}{apart} "
            f"need {needed} disjoint ones; lower one of them, or set data.reuse_prompts = true."
        )


def training_draws(pool: Sequence[str], seed: int, cycle: int, n_sampled: int) -> list[PlannedDraw]:
    """The cycle's slice (cycle ≥ 1); where the pool is too small it wraps around, and a prompt met twice in one
    cycle gets a second draw.
    """
    order = _order(pool, seed)
    start = (cycle - 1) * n_sampled
    return _planned(order[place % len(order)] for place in range(start, start + n_sampled))


def seed_draws(prompts: Sequence[str], pool: Sequence[str], seed: int) -> list[PlannedDraw]:
    """One answer to each seed prompt, in order; for seed documents (no prompt), openers from the pool's far end."""
    if all(prompts):
        return _planned(prompts)
    order = _order(pool, seed)[::-1]
    return _planned(order[place % len(order)] for place in range(len(prompts)))


def _order(pool: Sequence[str], seed: int) -> list[str]:
    return sorted(pool, key=lambda prompt: key("pool", seed, prompt))


def _planned(prompts: Iterable[str]) -> list[PlannedDraw]:
    met: dict[str, int] = {}
    draws = []
    for prompt in prompts:
        draws.append(PlannedDraw(prompt_id(prompt), prompt, met.get(prompt, 0)))
        met[prompt] = met.get(prompt, 0) + 1
    return draws


def eval_draws(prompts: Sequence[str], samples_per_prompt: int) -> list[PlannedDraw]:
    """Every eval prompt, `samples_per_prompt` times."""
    return [PlannedDraw(prompt_id(p), p, draw) for p in prompts for draw in range(samples_per_prompt)]
