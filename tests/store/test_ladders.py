"""Prompts by their largest jump, against the prompts' own means."""

from __future__ import annotations

from itertools import pairwise

import pytest

from store.client import Client
from store.lab import Lab
from store.ladders import prompts_by_jump
from tests.store.journals import DEMO, STATES, chain_spec

SFT, QUEUED = chain_spec(DEMO[0]).run_id, chain_spec(STATES[2]).run_id


def test_the_prompt_that_jumped_furthest_comes_first(served: tuple[Lab, Client]) -> None:
    _, client = served
    found = prompts_by_jump(client, SFT)
    assert len(found) == 12
    means: dict[str, dict[int, float]] = {}
    query = "SELECT prompt_id, cycle, value FROM prompt_means WHERE run_id = ? AND metric = 'trait'"
    for prompt_id, cycle, value in client.sql(query, [SFT]).tuples():
        means.setdefault(prompt_id, {})[cycle] = value
    for prompt in found:
        steps = {b: means[prompt.prompt_id][b] - means[prompt.prompt_id][a] for a, b in pairwise(range(7))}
        cycle = max(steps, key=lambda c: abs(steps[c]))
        assert (prompt.jump_cycle, prompt.draws) == (cycle, 5)
        assert prompt.jump == pytest.approx(steps[cycle])
    jumps = [abs(prompt.jump or 0) for prompt in found]
    assert jumps == sorted(jumps, reverse=True)


def test_a_run_that_has_measured_nothing_has_no_prompts(served: tuple[Lab, Client]) -> None:
    assert prompts_by_jump(served[1], QUEUED) == []
