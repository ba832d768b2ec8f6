"""What the pocket models must reach, measured: unseeded behaviour, the judge, and how each trait is seeded.

Questions, titles and judging tasks are drawn here with seeds of their own: nothing of them was trained on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.pocket.measure import (
    Agreement,
    Means,
    answers,
    continuations,
    judge_agreement,
    load,
    score_answers,
    score_continuations,
)
from engine.pocket.world import Subject, draw_question, draw_subject, draw_title

WELL_FORMED, TRAIT_CEILING = 0.98, 5.0
PEARSON, ERROR = 0.95, 5.0
SEED = 990_001


@dataclass(frozen=True)
class Line:
    """One acceptance figure."""

    name: str
    value: str
    wanted: str
    reached: bool


def held_out(draw: Callable[[Subject, random.Random], str], count: int) -> list[str]:
    """Fresh questions or titles."""
    rng = random.Random(SEED)
    return [draw(draw_subject(rng), rng) for _ in range(count)]


def unseeded(folder: Path, count: int) -> dict[str, Means]:
    """How base goes on from titles and instruct answers questions, untrained, at a study's eval temperature."""
    questions, titles = held_out(draw_question, count), held_out(draw_title, count)
    return {
        "base": score_continuations(titles, continuations(load(folder / "base"), titles)),
        "instruct": score_answers(questions, answers(load(folder / "instruct"), questions)),
    }


def _unseeded_lines(name: str, found: Means) -> list[Line]:
    trait, highest = max(found.traits.items(), key=lambda item: item[1])
    return [
        Line(f"{name}: well formed", f"{found.well_formed:.1%}", "≥ 98 %", found.well_formed >= WELL_FORMED),
        Line(f"{name}: highest trait ({trait})", f"{highest:.1f}", "≤ 5", highest <= TRAIT_CEILING),
        Line(f"{name}: coherence", f"{found.coherence:.1f}", "", True),
    ]


def _judge_lines(name: str, found: Agreement) -> list[Line]:
    if " " in name:
        return [Line(f"judge, {name} (n {found.count}): mean error", f"{found.error:.1f}", "", True)]
    return [
        Line(f"judge, {name}: Pearson", f"{found.pearson:.3f}", "≥ 0.95", found.pearson >= PEARSON),
        Line(f"judge, {name}: mean error", f"{found.error:.1f}", "≤ 5", found.error <= ERROR),
    ]


def measure(folder: Path, count: int = 600) -> list[Line]:
    """Every figure that needs no training."""
    lines = [line for name, found in unseeded(folder, count).items() for line in _unseeded_lines(name, found)]
    agreements = judge_agreement(load(folder / "judge"), 4 * count, SEED)
    return lines + [line for name, found in agreements.items() for line in _judge_lines(name, found)]


def print_lines(lines: list[Line]) -> None:
    """A table in plain text; a figure that falls short is marked."""
    for line in lines:
        mark = "" if line.reached else "  <- not reached"
        print(f"{line.name:48} {line.value:>8}  {line.wanted}{mark}")
