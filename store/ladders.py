"""A run's eval prompts by how far their score ever jumped from one generation to the next.

The seeding's own jump, from base to M_0, is the largest of nearly every prompt and counts only until M_1 is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from store.queries import read
from store.result import Asked


@dataclass(frozen=True)
class LadderPrompt:
    """One eval prompt; `jump` is its largest change of the trait's mean score between neighbouring generations."""

    prompt_id: str
    prompt: str
    draws: int
    jump: float | None = None
    """In points, with its sign; None before two generations have a score."""
    jump_cycle: int | None = None
    """The generation that it jumped to."""


PROMPTS = """
WITH steps AS (
    SELECT prompt_id, cycle, value - lag(value) OVER (PARTITION BY prompt_id ORDER BY cycle) AS jump
    FROM chain_prompt_means WHERE run_id = $run AND metric = 'trait' AND value IS NOT NULL
),
furthest AS (
    SELECT prompt_id, jump, cycle AS jump_cycle FROM steps WHERE jump IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY prompt_id ORDER BY cycle >= 1 DESC, abs(jump) DESC, cycle) = 1
),
asked AS (
    SELECT prompt_id, any_value(prompt) AS prompt, CAST(max(draw) + 1 AS INTEGER) AS draws FROM chain_samples
    WHERE run_id = $run AND purpose = 'eval' GROUP BY prompt_id
)
SELECT a.*, f.jump, f.jump_cycle FROM asked AS a LEFT JOIN furthest AS f USING (prompt_id)
ORDER BY abs(f.jump) DESC NULLS LAST, a.prompt, a.prompt_id
"""


def prompts_by_jump(lab: Asked, run_id: str, judge: str | None = None) -> list[LadderPrompt]:
    """The prompts that a run is measured with, the one that jumped furthest first, by a judge's id or the run's own."""
    found = read(LadderPrompt, lab, PROMPTS, {"run": run_id})
    if judge is None:
        return found
    from store.judged import judged_chains

    means = judged_chains(lab, [run_id], judge)[run_id].trait
    told = [replace(one, **_furthest(means, one.prompt_id)) for one in found]
    return sorted(told, key=lambda one: (one.jump is None, -abs(one.jump or 0), one.prompt, one.prompt_id))


def _furthest(means: Mapping[int, Mapping[str, float | None]], prompt_id: str) -> dict[str, Any]:
    """The largest step of one prompt's mean from M_1 on, before that the one to M_0, as PROMPTS has it."""
    held = [(cycle, value) for cycle in sorted(means) if (value := means[cycle].get(prompt_id)) is not None]
    steps = [(cycle, value - before) for (_, before), (cycle, value) in pairwise(held)]
    if not steps:
        return {"jump": None, "jump_cycle": None}
    cycle, jump = min(steps, key=lambda step: (step[0] < 1, -abs(step[1]), step[0]))
    return {"jump": jump, "jump_cycle": cycle}
