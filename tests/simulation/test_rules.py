"""The rules of protocol §6 on invented cells whose truth is known; docs/simulation.md holds the whole table."""

from __future__ import annotations

import numpy as np
import pytest

from store.statistics.components import cell_components
from store.statistics.core import judge_cells, judge_chains, labels, paired
from store.verdict import cell_verdict, run_verdict
from tests.simulation.model import ANSWER_SD, MEASURING, PROMPT_CYCLE_SD, SCENARIOS, Scenario, cells
from tests.simulation.study import advice, as_chains, bootstrap_coverage, outcome
from tests.simulation.table import row

STILL = {sd: Scenario("still", sd) for sd in (3, 5, 8)}
MANY = 20_000


@pytest.mark.parametrize("scenario", [STILL[5], Scenario("drift", 8, 20)], ids=lambda s: s.name)
def test_the_arithmetic_simulated_is_the_one_that_verdicts_are_made_with(scenario: Scenario) -> None:
    [block] = cells(scenario, 5, 6, seed=1)
    deltas = paired(block.answers.mean(axis=-1, dtype=np.float64))
    cell = judge_cells(deltas)
    label = labels(cell.low, cell.high, cell.a)
    for i, answers in enumerate(block.answers):
        chains = as_chains(answers)
        verdict, one = cell_verdict(chains), run_verdict(chains[0])
        chain = judge_chains(deltas[i, 0])
        assert verdict.label == label[i]
        assert [verdict.a, verdict.l, verdict.ci_low, verdict.ci_high] == pytest.approx(
            [cell.a[i], cell.l[i], cell.low[i], cell.high[i]], abs=1e-4
        )
        assert [one.a, one.l, one.ci_low, one.ci_high] == pytest.approx(
            [float(chain.a), float(chain.l), float(chain.low), float(chain.high)], abs=1e-4
        )


@pytest.mark.parametrize(("sd", "rate"), [(3, 0.0006), (5, 0.044), (8, 0.20)])
def test_noise_alone_fires_the_papers_rule_as_often_as_the_protocol_says(sd: int, rate: float) -> None:
    found = outcome(STILL[sd], 1, 5000)
    assert found.paper == pytest.approx(rate, abs=0.015)
    assert found.fired == {}


@pytest.mark.parametrize("sd", [3, 5, 8])
def test_noise_alone_is_hardly_ever_amplified(sd: int) -> None:
    assert outcome(STILL[sd], 5, 1500).fired["AMPLIFIED"] <= 0.01


def test_a_drift_of_twenty_is_seen_and_the_interval_covers() -> None:
    found = outcome(Scenario("drift", 5, 20), 5, 1500)
    assert found.fired["AMPLIFIED"] >= 0.9
    assert found.covered == pytest.approx(0.9, abs=0.02)


def test_one_chain_covers_itself_and_not_what_other_chains_do() -> None:
    found = outcome(STILL[5], 1, 3000)
    assert found.covered_own == pytest.approx(0.9, abs=0.02)
    assert found.covered < 0.6


def test_variance_components_of_invented_cells() -> None:
    found = []
    for block in cells(STILL[8], 5, 300, seed=2):
        scores = block.answers.mean(axis=-1, dtype=np.float64)
        found += [cell_components(s, d.astype(np.float64)) for s, d in zip(scores, block.answers, strict=True)]
    share = 1 + 1 / 3
    means = {
        name: float(np.mean([getattr(one, name) for one in found])) for name in ("samples", "prompts", "replicates")
    }
    assert means["samples"] == pytest.approx(ANSWER_SD**2, rel=0.02)
    assert means["prompts"] == pytest.approx(PROMPT_CYCLE_SD**2 * share, rel=0.15)
    assert means["replicates"] == pytest.approx((64 - MEASURING) * share, rel=0.15)


def test_a_line_of_the_table() -> None:
    line = row(outcome(STILL[5], 3, 500))
    assert line.startswith("| no drift, SD 5 | 3 | ")
    assert line.count("|") == 10


@pytest.mark.proof
@pytest.mark.parametrize("replicates", [3, 5, 10])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_targets_of_every_scenario(scenario: Scenario, replicates: int) -> None:
    found = outcome(scenario, replicates, MANY)
    assert found.covered == pytest.approx(0.9, abs=0.02)
    if scenario.kind == "still" and replicates >= 5:
        assert found.fired["AMPLIFIED"] <= 0.01
    if scenario.kind == "walk" and replicates >= 5:
        # A walk without direction may end far away in several replicates at once: what a 90 % interval allows.
        assert found.fired["AMPLIFIED"] + found.fired["ROSE"] <= 0.05
    if scenario.drift == 20 and scenario.sd <= 5 and replicates >= 5:
        assert found.fired["AMPLIFIED"] >= 0.9


@pytest.mark.proof
def test_as_many_replicates_as_are_asked_for_mostly_decide() -> None:
    found = advice(Scenario("drift", 5, 10), 200)
    assert found.told > 50
    assert found.decided / found.told > 0.6


@pytest.mark.proof
def test_the_bootstrap_of_ten_replicates_covers_about_as_often() -> None:
    assert bootstrap_coverage(STILL[5], 200) == pytest.approx(0.9, abs=0.06)
