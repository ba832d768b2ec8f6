"""Protocol §6 worked out a second time, by another way, from raw answers and scores: what the lab says must agree.

Nothing of `store.statistics` is used here but the lab's rows; quantiles, tests, adjustment and rates are scipy's.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections import defaultdict
from typing import Any

import pytest

from tests.store.journals import Chain, write_lab
from tests.store.tables import Asking, ingested

Rows = list[dict[str, Any]]
RAW = """
SELECT s.run_id, s.cycle, s.prompt_id, c.metric, c.value
FROM samples AS s JOIN scores AS c ON c.run_id = s.run_id AND c.sample_id = s.sample_id
JOIN run_judges AS j ON j.run_id = s.run_id AND j.metric = c.metric AND j.judge_id = c.judge_id
WHERE s.purpose = 'eval'
"""
SMALL: dict[str, Any] = {"prompts": 5, "draws": 3, "n_seed": 2, "n_sampled": 2, "steps": 1, "study": "raw"}


def walk(key: str, start: float, drift: float, step: float) -> tuple[float, ...]:
    """Base, M_0 … M_6 of a random walk with drift, held inside the scale."""
    chance, at, curve = random.Random(key), start, [2.0, start]
    for _ in range(6):
        at = min(max(at + chance.gauss(drift, step), 1.0), 99.0)
        curve.append(at)
    return tuple(curve)


def cell(name: str, count: int, start: float, drift: float, step: float, n_seed: int) -> list[Chain]:
    return [
        dataclasses.replace(
            Chain(f"{name}-{r}", replicate=r, seed=100 + r, **SMALL),
            trait=walk(f"{name}{r}", start, drift, step),
            n_seed=n_seed,
        )
        for r in range(1, count + 1)
    ]


CHAINS = [
    *cell("up", 5, 30, 8, 2, 2),
    *cell("down", 4, 70, -9, 2, 3),
    *cell("flat", 3, 50, 0, 0.2, 4),
    *cell("walks", 5, 45, 0, 9, 5),
    *cell("rises", 4, 40, 1.8, 0.3, 6),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(ingested(write_lab(tmp_path_factory.mktemp("raw") / "lab", CHAINS)))


@dataclasses.dataclass
class Replicate:
    """One chain by hand: s_ij as means of the scored answers."""

    means: dict[tuple[int, str], float]
    cycles: int = 6

    def delta(self, prompt: str, cycle: int) -> float | None:
        pair = self.means.get((cycle, prompt)), self.means.get((0, prompt))
        return None if pair[0] is None or pair[1] is None else pair[0] - pair[1]

    def prompts(self) -> list[str]:
        return sorted({prompt for _, prompt in self.means})

    def curve(self, cycle: int) -> float:
        return mean([d for p in self.prompts() if (d := self.delta(p, cycle)) is not None])

    def drifts(self) -> list[float]:
        late = range(4, self.cycles + 1)
        held = [[d for j in late if (d := self.delta(p, j)) is not None] for p in self.prompts()]
        return [mean(deltas) for deltas in held if deltas]


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def interval(values: list[float]) -> tuple[float, float]:
    from scipy import stats

    error = stats.sem(values)
    return tuple(stats.t.interval(0.90, len(values) - 1, loc=mean(values), scale=error))


def replicates_of(lab: Asking) -> dict[str, Replicate]:
    scores: dict[str, dict[tuple[int, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in lab.sql(RAW).rows():
        if row["metric"] == "trait" and row["value"] is not None:
            scores[row["run_id"]][row["cycle"], row["prompt_id"]].append(row["value"])
    return {run: Replicate({place: mean(v) for place, v in held.items()}) for run, held in scores.items()}


def cells_of(lab: Asking) -> dict[str, list[Replicate]]:
    by_run, cells = replicates_of(lab), defaultdict(list)
    for row in lab.sql("SELECT run_id, cell FROM runs ORDER BY cell, replicate").rows():
        cells[row["cell"]].append(by_run[row["run_id"]])
    return cells


def label(low: float, high: float, a: float) -> str:
    if low > 5:
        return "AMPLIFIED" if a >= 15 else "ROSE"
    if high < -5:
        return "DECAYED"
    return "CONSTANT" if low > -5 and high < 5 else "UNDECIDED"


def test_every_chains_numbers_are_those_of_its_raw_answers(lab: Asking) -> None:
    by_run = replicates_of(lab)
    rows = lab.sql("FROM verdicts WHERE scope = 'run'").rows()
    assert len(rows) == len(CHAINS)
    for row in rows:
        chain = by_run[row["run_id"]]
        a = max(chain.curve(j) for j in range(4, 7))
        assert row["a"] == pytest.approx(a, abs=1e-9)
        assert row["amplified_by_paper"] is (a >= 15)
        assert row["l"] == pytest.approx(mean(chain.drifts()), abs=1e-9)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(interval(chain.drifts()), abs=1e-9)


def test_every_cells_numbers_and_label_are_those_of_its_raw_answers(lab: Asking) -> None:
    rows = {row["cell"]: row for row in lab.sql("FROM verdicts WHERE scope = 'cell'").rows()}
    found = set()
    for name, chains in cells_of(lab).items():
        drifts = [mean(chain.drifts()) for chain in chains]
        low, high = interval(drifts)
        a = max(mean([chain.curve(j) for chain in chains]) for j in range(4, 7))
        row = rows[name]
        assert (row["a"], row["l"]) == pytest.approx((a, mean(drifts)), abs=1e-9)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=1e-9)
        assert row["label"] == label(low, high, a)
        found.add(row["label"])
    assert found == {"AMPLIFIED", "ROSE", "CONSTANT", "DECAYED", "UNDECIDED"}


def test_q_and_rates_are_scipys_on_the_raw_answers(lab: Asking) -> None:
    from scipy import stats

    rows = {row["cell"]: row for row in lab.sql("FROM verdicts WHERE scope = 'cell'").rows()}
    names = sorted(rows)
    drifts = {name: [mean(chain.drifts()) for chain in chains] for name, chains in cells_of(lab).items()}
    for edge, side, q in ((0, "two-sided", "q_drift"), (5, "greater", "q_above")):
        p = [stats.ttest_1samp(drifts[name], edge, alternative=side).pvalue for name in names]
        adjusted = stats.false_discovery_control(p)
        assert [rows[name][q] for name in names] == pytest.approx(list(adjusted), abs=1e-9)
    hits = sum(row["amplified_by_paper"] for row in lab.sql("FROM verdicts WHERE scope = 'run'").rows())
    [rate] = lab.sql("FROM rates WHERE scope = 'run'").rows()
    wilson = stats.binomtest(hits, len(CHAINS)).proportion_ci(0.95, method="wilson")
    assert (rate["hits"], rate["total"]) == (hits, len(CHAINS))
    assert (rate["low"], rate["high"]) == pytest.approx((wilson.low, wilson.high), abs=1e-8)
    assert 0 < hits < len(CHAINS)
