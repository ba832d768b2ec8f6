from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from engine.journal import read_entries
from engine.score_events import JudgeDeclared, SamplesJudged
from store.ingest import Ingest
from store.lab import Lab
from store.rebuild import rebuild
from store.statistics.rates import wilson
from tests.store.journals import (
    DEMO,
    Chain,
    append_events,
    chain_events,
    replicates,
    write_chain,
    write_lab,
)
from tests.store.tables import Asking, ingested, memory


def asked(lab: Lab, query: str) -> list[dict[str, object]]:
    return Asking(ingested(lab)).sql(query).rows()


def test_a_cell_says_where_its_variance_comes_from(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", replicates(4, drift=5))
    [cell] = asked(lab, "SELECT * FROM verdicts WHERE scope = 'cell'")
    assert (cell["judged"], cell["label"]) == (4, "AMPLIFIED")
    assert cell["sd_samples"] == pytest.approx(6, rel=0.1)
    assert 0 <= cell["p_above"] < cell["q_above"] + 1e-12 < 0.01  # type: ignore[operator]
    assert cell["boot_low"] is None
    assert cell["half_life"] is None
    chains = asked(lab, "SELECT * FROM verdicts WHERE scope = 'run'")
    assert {row["sd_replicates"] for row in chains} == {None}
    assert {row["needed_replicates"] for row in chains} == {None}


def test_an_undecided_cell_says_what_would_decide(tmp_path: Path) -> None:
    curves = ((2.0, *(40 + drift * j for j in range(7))) for drift in (-1.0, 1.0, 5.0))
    chains = [dataclasses.replace(r, trait=curve) for r, curve in zip(replicates(3), curves, strict=True)]
    [cell] = asked(write_lab(tmp_path / "lab", chains), "SELECT * FROM verdicts WHERE scope = 'cell'")
    assert (cell["label"], cell["cheapest"], cell["needed_samples"]) == ("UNDECIDED", "replicates", None)
    assert f"undecided: about {cell['needed_replicates']} replicates (now 3) would decide" in cell["notes"][-1]  # type: ignore[index]


def test_ten_replicates_have_a_bootstrap_that_a_rebuild_repeats(tmp_path: Path) -> None:
    chains = [
        dataclasses.replace(chain, prompts=3, draws=3, n_sampled=2, n_seed=2, steps=1) for chain in replicates(10)
    ]
    lab = write_lab(tmp_path / "lab", chains)
    query = "SELECT boot_low, boot_high, ci_low FROM verdicts WHERE scope = 'cell'"
    [first], [again] = asked(lab, query), asked(lab, query)
    assert first == again
    assert first["boot_low"] == pytest.approx(first["ci_low"], abs=1.5)
    assert rebuild(lab).runs == 10


def test_the_only_finished_replicate_of_several_is_named_whenever_the_others_come(tmp_path: Path) -> None:
    small = {"prompts": 3, "draws": 2, "n_seed": 2, "n_sampled": 2, "steps": 1}
    first, second = (dataclasses.replace(chain, **small) for chain in replicates(2))  # type: ignore[arg-type]
    lab = write_lab(tmp_path / "lab", [first])
    ingest = Ingest(memory(), lab)
    query = "SELECT replicates, label, ci_low, notes FROM verdicts WHERE scope = 'cell'"
    ingest.poll()
    assert ingest.connection.execute(query).fetchall() == []
    write_chain(lab, dataclasses.replace(second, status="queued"))
    ingest.poll()
    told = (1, None, None, ["1 replicate; an interval and a label need 3"])
    assert ingest.connection.execute(query).fetchall() == [told]
    assert ingested(lab).execute(query).fetchall() == [told]


def test_q_values_of_a_study_follow_all_its_cells(tmp_path: Path) -> None:
    still, moved = replicates(3), replicates(3, drift=6)
    moved = tuple(dataclasses.replace(chain, n_seed=30, name=f"moved-{chain.replicate}") for chain in moved)
    lab = write_lab(tmp_path / "lab", (*still, *moved))
    cells = asked(lab, "SELECT p_drift, q_drift, p_above, q_above FROM verdicts WHERE scope = 'cell' ORDER BY p_drift")
    assert len(cells) == 2
    assert cells[0]["q_drift"] == pytest.approx(2 * cells[0]["p_drift"])  # type: ignore[operator]
    assert cells[1]["q_drift"] == pytest.approx(cells[1]["p_drift"])


def test_rates_carry_wilsons_interval(tmp_path: Path) -> None:
    rows = asked(write_lab(tmp_path / "lab"), "SELECT * FROM rates WHERE what = 'amplified by the paper'")
    [row] = rows
    assert (row["study"], row["scope"], row["hits"], row["total"]) == ("demo", "run", 1, 4)
    connection = memory()
    for hits, total in ((12, 270), (0, 7), (7, 7), (1, 3)):
        found = connection.execute("SELECT wilson_low(?, ?), wilson_high(?, ?)", [hits, total] * 2).fetchall()
        expected = wilson(hits, total)
        assert found == [(pytest.approx(expected.low, abs=1e-9), pytest.approx(expected.high, abs=1e-9))]


def test_every_generation_has_its_measures(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", [DEMO[0]])
    rows = asked(lab, "SELECT * FROM chain_measures ORDER BY cycle")
    assert [row["cycle"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["retention"] == pytest.approx((41 - 2) / (47 - 2), abs=0.06)
    assert rows[5]["retention"] == pytest.approx((8 - 2) / (47 - 2), abs=0.06)
    assert all(row["moved"] for row in rows[1:3])
    [run] = asked(lab, "SELECT retention, half_life, half_life_reason FROM verdicts")
    assert run["retention"] == rows[5]["retention"]
    assert (run["half_life"] is None) == (run["half_life_reason"] is not None)


def test_a_run_that_changed_its_judge_half_way_has_no_verdict(tmp_path: Path) -> None:
    chain = Chain("mixed")
    lab = write_lab(tmp_path / "lab", [])
    run_id = write_chain(lab, dataclasses.replace(chain, status="queued"))
    events = []
    for event in chain_events(chain):
        if event.type == "cycle_started" and event.cycle == 3:
            declared = next(e for e in events if isinstance(e, JudgeDeclared) and e.metric == "trait")
            events.append(declared.model_copy(update={"judge_id": "other"}))
        if isinstance(event, SamplesJudged) and event.metric == "trait" and event.cycle >= 3:
            event = event.model_copy(update={"judge_id": "other"})
        events.append(event)
    append_events(lab.run(run_id), events)
    assert len(list(read_entries(lab.run(run_id) / "events.jsonl"))) == len(events)
    [row] = asked(lab, "SELECT a, l, label, notes FROM verdicts")
    assert (row["a"], row["l"], row["label"]) == (None, None, None)
    assert row["notes"] == [
        "no verdict: scores of 2 judges are not averaged: pocket-judge:tree scored cycle 0; "
        "other scored cycle 4, cycle 5, cycle 6"
    ]


def test_a_fork_is_judged_with_its_parents_answers(tmp_path: Path) -> None:
    parent = DEMO[0]
    child = dataclasses.replace(parent, name="child", parent=parent, forked_at=4, seed=7)
    lab = write_lab(tmp_path / "lab", [parent, child])
    rows = asked(lab, "SELECT cycle, idempotence_ratio FROM chain_measures ORDER BY cycle, run_id")
    assert len(rows) == 12
    by_cycle = [{row["idempotence_ratio"] for row in rows if row["cycle"] == cycle} for cycle in range(1, 7)]
    assert [len(ratios) for ratios in by_cycle] == [1, 1, 1, 1, 2, 2]
    assert None not in set().union(*by_cycle)
