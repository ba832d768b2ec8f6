"""Invented cells with a known truth, measured as real ones are: prompts, answers, and training noise per cycle.

    score of an answer = 40 + prompt + drift_j + training_rj + (prompt × cycle)_rij + answer_rijs

`sd` is the standard deviation of s(M_j) that a chain shows from cycle to cycle when nothing drifts: training, prompt ×
cycle and finitely many answers together, M_0's among them. In a random walk `sd` is that of one cycle's step, which
stays. Scores are not cut at 0 and 100, so that the drift that was planted is the drift that is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from store.intervals import Array

PROMPTS, ANSWERS, CYCLES, LATE = 12, 10, 6, (4, 5, 6)
PROMPT_SD, PROMPT_CYCLE_SD, ANSWER_SD = 20.0, 3.0, 15.0
MEASURING = PROMPT_CYCLE_SD**2 / PROMPTS + ANSWER_SD**2 / PROMPTS / ANSWERS
"""Variance of s(M_j) without any training."""
CHUNK = 500


@dataclass(frozen=True)
class Scenario:
    """What is true: nothing, a random walk without direction, or a drift that is complete at cycle 4."""

    kind: Literal["still", "walk", "drift"]
    sd: float
    drift: float = 0.0

    @property
    def name(self) -> str:
        words = {"still": "no drift", "walk": "random walk", "drift": f"drift {self.drift:.0f}"}
        return f"{words[self.kind]}, SD {self.sd:.0f}"


SCENARIOS = (
    *(Scenario("still", sd) for sd in (3, 5, 8)),
    *(Scenario("walk", sd) for sd in (3, 5, 8)),
    *(Scenario("drift", sd, 10) for sd in (3, 5, 8)),
    *(Scenario("drift", sd, 20) for sd in (3, 5, 8)),
)


@dataclass(frozen=True)
class Cells:
    """Answers' scores of shape (cells, R, P, 1 + J, S), and each chain's own true L of shape (cells, R)."""

    answers: Array
    own: Array


def cells(scenario: Scenario, replicates: int, count: int, seed: int) -> Iterator[Cells]:
    """`count` cells in blocks; the seed decides them."""
    random = np.random.default_rng([seed, replicates, *scenario.name.encode()])
    for start in range(0, count, CHUNK):
        yield _block(scenario, replicates, min(CHUNK, count - start), random)


def _block(scenario: Scenario, replicates: int, count: int, random: np.random.Generator) -> Cells:
    level = _training(scenario, (count, replicates), random)[..., (0, *LATE)]
    prompt = PROMPT_SD * random.standard_normal((count, 1, PROMPTS, 1), dtype=np.float32)
    shape = (count, replicates, PROMPTS, 1 + len(LATE))
    mean = 40 + prompt + level[:, :, None, :] + PROMPT_CYCLE_SD * random.standard_normal(shape, dtype=np.float32)
    answers = random.standard_normal((*shape, ANSWERS), dtype=np.float32)
    answers *= ANSWER_SD
    answers += mean[..., None]
    return Cells(answers, level[..., 1:].mean(axis=-1) - level[..., 0])


def _training(scenario: Scenario, shape: tuple[int, int], random: np.random.Generator) -> Array:
    """What trainings made of s(M_0) … s(M_N), of shape (cells, R, N + 1)."""
    noise = random.standard_normal((*shape, CYCLES + 1))
    if scenario.kind == "walk":
        noise[..., 0] = 0
        return np.cumsum(scenario.sd * noise, axis=-1)
    ramp = np.minimum(np.arange(CYCLES + 1) / LATE[0], 1)
    return scenario.drift * ramp + math.sqrt(scenario.sd**2 - MEASURING) * noise
