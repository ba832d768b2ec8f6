"""What a lab says of its chains beside the same numbers by hand, from the answers' scores alone (`by_hand`)."""

from __future__ import annotations

import dataclasses
import math
import random

import numpy as np
import pytest

from store.compare import compare
from store.measures import coherence_bounds
from tests.store.journals import Chain, write_lab
from tests.store.statistics import by_hand
from tests.store.tables import Asking, ingested

SCORES = """
SELECT r.name, s.cycle, c.metric, s.prompt_id, s.draw, c.value
FROM runs AS r JOIN samples AS s USING (run_id) JOIN scores AS c ON c.run_id = s.run_id AND c.sample_id = s.sample_id
WHERE s.purpose = 'eval'
"""
PROMPTS, ANSWERS = 5, 4
GOOD = (97.0, 95.0, 94.0, 93.0, 91.0, 90.0, 90.0, 89.0)
SMALL = Chain("", prompts=PROMPTS, draws=ANSWERS, n_seed=2, n_sampled=2, steps=1, study="by hand")


def cell(name: str, count: int, curve: list[float], noise: float, coherence: tuple[float, ...] = GOOD) -> list[Chain]:
    """Replicates about one curve, base first; a cell is told by its n_seed, here the length of its name."""
    chains = []
    for r in range(1, count + 1):
        chance = random.Random(f"{name}-{r}")
        trait = tuple(min(95.0, max(5.0, level + chance.gauss(0, noise))) for level in curve)
        chains.append(
            dataclasses.replace(
                SMALL,
                name=f"{name}-{r}",
                replicate=r,
                seed=300 + r,
                trait=trait,
                coherence=coherence,
                n_seed=2 + len(name),
            )
        )
    return chains


DECAY = [5.0, *(20 + 60 * 0.5 ** (j / 1.5) for j in range(7))]
CELLS = {
    "many": cell("many", 12, [5.0, 40.0, 42.0, 44.0, 46.0, 48.0, 50.0, 51.0], 6),
    "noisy": cell("noisy", 5, [5.0] + [50.0] * 7, 9),
    "decays": cell("decays", 4, DECAY, 0.5),
    "unseeded": cell("unseeded", 3, [40.0] * 8, 1),
    "saturated": cell("saturated", 3, [5.0, *[92.0] * 7], 1, (97.0, 95.0, 94.0, 90.0, 85.0, 80.0, 70.0, 62.0)),
    "climbed": cell("climbed", 3, [5.0, 30.0, 34.0, 38.0, 41.0, 46.0, 52.0, 55.0], 1),
}
Scores = dict[str, np.ndarray]
"""By run: base, M_0 … M_N × prompts × answers."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    chains = [chain for replicates in CELLS.values() for chain in replicates]
    return Asking(ingested(write_lab(tmp_path_factory.mktemp("by_hand") / "lab", chains)))


def raw(lab: Asking, metric: str) -> Scores:
    rows = [row for row in lab.sql(SCORES).rows() if row["metric"] == metric]
    prompts = {prompt: i for i, prompt in enumerate(sorted({row["prompt_id"] for row in rows}))}
    last = {
        row["name"]: max(r["cycle"] for r in rows if r["name"] == row["name"]) for row in rows[:: PROMPTS * ANSWERS]
    }
    found = {name: np.full((cycle + 2, len(prompts), ANSWERS), np.nan) for name, cycle in last.items()}
    for row in rows:
        if row["value"] is not None:
            found[row["name"]][row["cycle"] + 1, prompts[row["prompt_id"]], row["draw"]] = row["value"]
    return found


@pytest.fixture(scope="module")
def trait(lab: Asking) -> Scores:
    found = raw(lab, "trait")
    assert sum(np.isnan(scores).sum() for scores in found.values()) > 10, "no null among the scores: nothing is shown"
    return found


def of_cell(trait: Scores, name: str) -> list[np.ndarray]:
    return [trait[chain.name][1:] for chain in CELLS[name]]


def stated(lab: Asking, name: str) -> dict[str, object]:
    query = "SELECT v.* FROM verdicts AS v JOIN runs AS r USING (study, cell) WHERE v.scope = 'cell' AND r.name = ?"
    [row] = lab.sql(query, [f"{name}-1"]).rows()
    return row


def runs(lab: Asking, table: str) -> list[dict[str, object]]:
    return lab.sql(f"SELECT t.*, r.name FROM {table} AS t JOIN runs AS r USING (run_id)").rows()


def test_a_cells_interval_and_label(lab: Asking, trait: Scores) -> None:
    found = set()
    for name in CELLS:
        chains, row = of_cell(trait, name), stated(lab, name)
        late = late_means(chains)
        low, high = by_hand.t_interval(late)
        a = by_hand.paper_a(chains)
        assert (row["a"], row["l"]) == pytest.approx((a, late.mean()), abs=1e-9)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=1e-6)
        assert row["amplified_by_paper"] is (a >= 15)
        assert row["label"] == by_hand.label(low, high, a)
        found.add(row["label"])
    assert found == {"AMPLIFIED", "ROSE", "CONSTANT", "DECAYED", "UNDECIDED"}


def late_means(chains: list[np.ndarray]) -> np.ndarray:
    return np.array([by_hand.drifts(scores).mean() for scores in chains])


def test_a_chains_interval_is_clustered_by_prompt(lab: Asking, trait: Scores) -> None:
    rows = [row for row in runs(lab, "verdicts") if row["scope"] == "run"]
    assert len(rows) == sum(map(len, CELLS.values()))
    for row in rows:
        scores = trait[row["name"]][1:]
        late, a = by_hand.drifts(scores), by_hand.paper_a([scores])
        assert (row["a"], row["l"]) == pytest.approx((a, late.mean()), abs=1e-9)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(by_hand.t_interval(late), abs=1e-6)
        assert (row["amplified_by_paper"], row["label"]) == (a >= 15, "one chain")


def test_what_many_cells_and_many_chains_come_to(lab: Asking, trait: Scores) -> None:
    rows = [stated(lab, name) for name in CELLS]
    p_drift, p_above = [], []
    for name in CELLS:
        late = late_means(of_cell(trait, name))
        error, degrees = late.std(ddof=1) / math.sqrt(len(late)), len(late) - 1
        p_drift.append(2 * by_hand.t_cdf(-abs(late.mean()) / error, degrees))
        p_above.append(by_hand.t_cdf(-(late.mean() - 5) / error, degrees))
    assert [row["q_drift"] for row in rows] == pytest.approx(by_hand.adjusted(p_drift), abs=1e-9)
    assert [row["q_above"] for row in rows] == pytest.approx(by_hand.adjusted(p_above), abs=1e-9)
    hits = sum(by_hand.paper_a([scores[1:]]) >= 15 for scores in trait.values())
    [rate] = lab.sql("FROM rates WHERE scope = 'run'").rows()
    assert (rate["hits"], rate["total"]) == (hits, len(trait))
    assert (rate["low"], rate["high"]) == pytest.approx(by_hand.wilson(hits, len(trait), 1.959964), abs=1e-6)
    assert 0 < hits < len(trait)


def test_the_bootstrap_is_the_same_within_what_chance_leaves_of_two(lab: Asking, trait: Scores) -> None:
    chains, row = of_cell(trait, "many"), stated(lab, "many")
    drawn = by_hand.bootstrap(chains, 1500, seed=1)
    # The 5 % quantile of B normal numbers is known to √(0.05·0.95/B) / φ(1.645) of their standard deviations.
    known = math.sqrt(0.05 * 0.95 * (1 / 1500 + 1 / 5000)) / 0.103 * drawn.std()
    low, high = np.quantile(drawn, [0.05, 0.95])
    assert row["boot_low"] == pytest.approx(low, abs=4 * known)
    assert row["boot_high"] == pytest.approx(high, abs=4 * known)
    assert stated(lab, "noisy")["boot_low"] is None


@pytest.mark.parametrize("name", CELLS)
def test_where_a_cells_variance_comes_from(lab: Asking, trait: Scores, name: str) -> None:
    parts, row = by_hand.parts(of_cell(trait, name)), stated(lab, name)
    assert row["sd_replicates"] == pytest.approx(math.sqrt(parts.replicates), abs=1e-6)
    assert row["sd_shared_prompts"] == pytest.approx(math.sqrt(parts.shared_prompts), abs=1e-6)
    assert row["sd_samples"] == pytest.approx(math.sqrt(parts.samples), rel=1e-6)
    assert row["sd_prompts"] == pytest.approx(math.sqrt(parts.prompts), abs=1e-6)


def test_retention_is_what_is_left_of_what_the_seeding_gave(lab: Asking, trait: Scores) -> None:
    told = 0
    for row in runs(lab, "chain_measures"):
        means = by_hand.prompt_means(trait[row["name"]])
        base, seeded, now = means[0], means[1], means[row["cycle"] + 1]
        low, high = by_hand.t_interval(seeded - base)
        assert (row["retention"] is None) is (low <= 0 <= high)
        if row["retention"] is not None:
            told += 1
            kept = (now.mean() - base.mean()) / (seeded.mean() - base.mean())
            assert row["retention"] == pytest.approx(kept, abs=1e-9)
    assert told > 100


def test_the_idempotence_ratio_of_every_pair_of_neighbours(lab: Asking, trait: Scores) -> None:
    rows = runs(lab, "chain_measures")
    for row in rows:
        before, after = trait[row["name"]][row["cycle"]], trait[row["name"]][row["cycle"] + 1]
        ratio = by_hand.idempotence_ratio(before, after)
        assert row["idempotence_ratio"] == pytest.approx(ratio, rel=1e-9)
        assert row["moved"] is (ratio > 2.46)
    assert {row["moved"] for row in rows} == {True, False}


def test_a_half_life_is_that_of_the_least_squares_fit(lab: Asking, trait: Scores) -> None:
    rows = [row for row in runs(lab, "verdicts") if row["scope"] == "run"]
    told = {row["name"]: row["half_life"] for row in rows if row["half_life"] is not None}
    assert {chain.name for chain in CELLS["decays"]} <= set(told)
    for name, found in told.items():
        by_fit, rate, limit = by_hand.half_life(by_hand.prompt_means(trait[name][1:]).mean(axis=1))
        assert found == pytest.approx(by_fit, rel=0.01)
        assert 0.02 < rate < 0.98
        assert 0 <= limit <= 100


def test_a_generations_interval_and_its_coherence(lab: Asking, trait: Scores) -> None:
    coherence = raw(lab, "coherence")
    ids = dict(lab.sql("SELECT name, run_id FROM runs").tuples())
    bounds = {name: coherence_bounds(lab, ids[name]) for name in ("decays-1", "noisy-2")}
    for row in runs(lab, "trait_curve"):
        means = by_hand.prompt_means(trait[row["name"]])[row["cycle"] + 1]
        assert row["trait"] == pytest.approx(means.mean(), abs=1e-9)
        assert (row["trait_low"], row["trait_high"]) == pytest.approx(by_hand.t_interval(means), abs=1e-5)
        whole = by_hand.prompt_means(coherence[row["name"]])[row["cycle"] + 1]
        assert row["coherence"] == pytest.approx(whole.mean(), abs=1e-9)
        if row["name"] in bounds:
            assert bounds[row["name"]][row["cycle"]] == pytest.approx(by_hand.t_interval(whole), abs=1e-5)


def test_what_a_label_has_to_be_read_with(lab: Asking, trait: Scores) -> None:
    coherence = raw(lab, "coherence")
    found = set()
    for name, replicates in CELLS.items():
        names = [chain.name for chain in replicates]
        row = stated(lab, name)
        assert row["suffixes"] == by_hand.suffixes([trait[n] for n in names], [coherence[n] for n in names])
        found.update(row["suffixes"])
    assert found == {"DEGENERATE", "CEILING", "SEED-FAILED"}
    for row in runs(lab, "verdicts"):
        if row["scope"] == "run":
            assert row["suffixes"] == by_hand.suffixes([trait[row["name"]]], [coherence[row["name"]]])


def test_a_groups_points_are_over_its_runs(lab: Asking, trait: Scores) -> None:
    names = [chain.name for chain in CELLS["noisy"]]
    ids = [row[0] for row in lab.sql("SELECT run_id FROM runs WHERE list_contains(?, name)", [names]).tuples()]
    [group] = compare(lab, ids).groups
    coherence = raw(lab, "coherence")
    assert len(group.points) == 8
    for point in group.points:
        place = point.cycle + 1
        seen = np.array([by_hand.prompt_means(trait[name])[place].mean() for name in names])
        whole = np.array([by_hand.prompt_means(coherence[name])[place].mean() for name in names])
        moved = np.array([by_hand.deltas(trait[name][1:])[point.cycle].mean() for name in names])
        assert (point.trait, point.coherence) == pytest.approx((seen.mean(), whole.mean()), abs=1e-9)
        assert (point.trait_low, point.trait_high) == pytest.approx(by_hand.t_interval(seen), abs=1e-5)
        assert (point.coherence_low, point.coherence_high) == pytest.approx(by_hand.t_interval(whole), abs=1e-5)
        if point.cycle > 0:
            assert (point.delta_low, point.delta_high) == pytest.approx(by_hand.t_interval(moved), abs=1e-5)


def test_students_quantiles_are_the_printed_ones_in_sql_too(lab: Asking) -> None:
    """Student's table, as printed in any book; the lab's SQL has a table of its own and a series above it."""
    printed = {1: 6.3138, 2: 2.9200, 4: 2.1318, 9: 1.8331, 11: 1.7959, 30: 1.6973, 60: 1.6706, 120: 1.6577}
    for degrees, quantile in printed.items():
        assert by_hand.t_quantile(0.95, degrees) == pytest.approx(quantile, abs=1e-4)
    for degrees in (*range(1, 40), 60, 120, 400):
        [row] = lab.sql("SELECT t90(?) AS quantile", [degrees]).rows()
        assert row["quantile"] == pytest.approx(by_hand.t_quantile(0.95, degrees), abs=2e-6)
