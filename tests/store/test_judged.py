"""A judge of one's choice: by the runs' own it gives what the lab keeps, by another its scores and nobody else's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.events import Event
from engine.score_events import JudgeDeclared, SamplesJudged
from store import queries
from store.controls import beside
from store.judged import chosen_judge, judged_chains, judged_curves
from store.judged_verdicts import judged_verdicts
from tests.store.invented import chain_events
from tests.store.journals import (
    Chain,
    append_events,
    chain_spec,
    replicates,
    write_chain,
    write_lab,
    write_twice_judged,
)
from tests.store.tables import Asking, ingested

SMALL: dict[str, Any] = {"prompts": 5, "draws": 3, "n_seed": 2, "n_sampled": 2, "steps": 1}
CELL = tuple(dataclasses.replace(chain, **SMALL) for chain in replicates(3, drift=2.0))
STILL = dataclasses.replace(CELL[0], name="still", control="resample-only", replicate=1)
LONE = Chain("lone", study="alone", **SMALL)
RUNS = (*CELL, STILL, LONE)
IDS = [chain_spec(chain).run_id for chain in RUNS]
OWN, OTHER, SHIFT = CELL[0].judge, "somebody", 20.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    lab = write_lab(tmp_path_factory.mktemp("judged") / "lab", [])
    for chain in (*CELL, LONE):
        write_twice_judged(lab, chain, OTHER, SHIFT)
    write_chain(lab, STILL)
    return Asking(ingested(lab))


def test_the_runs_own_judge_gives_the_curves_that_the_lab_keeps(lab: Asking) -> None:
    kept, asked = queries.curves(lab, IDS), judged_curves(judged_chains(lab, IDS, OWN))
    for run_id in IDS:
        assert [p.cycle for p in asked[run_id]] == [p.cycle for p in kept[run_id]] != []
        for found, held in zip(asked[run_id], kept[run_id], strict=True):
            assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(held), abs=1e-4)


def test_the_runs_own_judge_gives_the_verdicts_that_the_lab_keeps(lab: Asking) -> None:
    kept = {(row["run_id"], row["cell"], row["study"]): row for row in lab.sql("FROM verdicts").rows()}
    asked = {(row["run_id"], row["cell"], row["study"]): row for row in judged_verdicts(lab, IDS, OWN)}
    assert asked.keys() == kept.keys()
    for key, row in asked.items():
        for name, value in kept[key].items():
            expected = pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
            assert row[name] == expected, (key, name)


def test_another_judges_scores_are_never_mixed_with_the_runs_own(lab: Asking) -> None:
    rows = judged_verdicts(lab, IDS, OTHER)
    kept = {row["run_id"]: row["l"] for row in lab.sql("SELECT run_id, l FROM verdicts WHERE scope = 'run'").rows()}
    for row in rows:
        if row["run_id"] == IDS[3]:
            assert row["a"] is None
            assert row["notes"][0].startswith("no verdict: cycle 0 is missing")
        elif row["scope"] == "run":
            assert row["l"] == pytest.approx(kept[row["run_id"]] + SHIFT)
            assert row["notes"][-1] == "no coherence by this judge: DEGENERATE cannot be told"
    [cell] = [row for row in rows if row["scope"] == "cell"]
    assert (cell["label"], cell["judged"]) == ("AMPLIFIED", 3)
    band = beside(lab, IDS[:1], OTHER)[IDS[0]]
    assert (band.band.count, band.seeded) == (0, judged_curves(judged_chains(lab, IDS[:1], OTHER))[IDS[0]][1].trait)
    assert "still was scored by another judge (pocket-judge:tree) and is left out" in band.notes


def test_a_judge_is_named_by_its_id_its_model_or_a_part_that_no_other_has(lab: Asking) -> None:
    assert chosen_judge(lab, IDS, OWN) == chosen_judge(lab, IDS, "pocket/judge") == OWN
    assert chosen_judge(lab, IDS, "some") == OTHER
    for asked, told in (("o", "may be pocket-judge:tree, somebody"), ("nobody", "scored none"), ("", "scored none")):
        with pytest.raises(UsageError, match=told) as caught:
            chosen_judge(lab, IDS, asked)
        assert "judges of their trait: pocket-judge:tree, somebody" in str(caught.value)


def test_a_forks_inherited_cycles_are_read_where_they_are(tmp_path: Path) -> None:
    child = dataclasses.replace(LONE, name="child", parent=LONE, forked_at=4, seed=7)
    folder = write_lab(tmp_path / "lab", [child])
    write_twice_judged(folder, LONE, OTHER, SHIFT)
    lab = Asking(ingested(folder))
    ids = [chain_spec(chain).run_id for chain in (LONE, child)]
    parent, fork = (judged_chains(lab, ids, OTHER)[run_id] for run_id in ids)
    assert sorted(fork.trait) == [-1, 0, 1, 2, 3, 4]
    assert all(fork.trait[cycle] == parent.trait[cycle] for cycle in fork.trait)


def test_a_judges_coherence_is_found_though_its_rubric_has_another_version(tmp_path: Path) -> None:
    """A judge's ids are its name and the version of the rubric it went by, one for each metric (declare_judge)."""
    lab = write_lab(tmp_path / "lab", [])
    events: list[Event] = []
    for event in chain_events(LONE):
        if isinstance(event, JudgeDeclared | SamplesJudged):
            version = f"version-of-{event.metric}"
            event = event.model_copy(update={"judge_id": f"{event.judge_id}-{version}"})
            if isinstance(event, JudgeDeclared):
                event = event.model_copy(update={"rubric_version": version})
        events.append(event)
    run_id = write_chain(lab, dataclasses.replace(LONE, status="queued"))
    append_events(lab.run(run_id), events)
    asking = Asking(ingested(lab))
    kept = queries.curves(asking, [run_id])[run_id]
    asked = judged_curves(judged_chains(asking, [run_id], f"{OWN}-version-of-trait"))[run_id]
    assert [point.coherence for point in asked] == pytest.approx([point.coherence for point in kept])
    assert all(point.coherence is not None for point in asked)
