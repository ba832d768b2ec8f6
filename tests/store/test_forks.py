"""Forks: cycles that belong to an ancestor appear as the fork's own wherever people ask."""

from __future__ import annotations

import dataclasses
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from store import texts
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.listing import SampleFilter, listed
from store.readings import read_in_full
from tests.store.journals import Chain, chain_spec, write_chain, write_lab
from tests.store.tables import Asking, dump, ingested, memory, values

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
PARENT = Chain("parent", trait=(2, 40, 42, 44, 46, 48, 50), coherence=(97,) * 7, **SMALL)
CHILD = dataclasses.replace(PARENT, name="child", trait=(2, 40, 42, 44, 80, 85, 90), parent=PARENT, forked_at=2, seed=7)
GRANDCHILD = dataclasses.replace(CHILD, name="grandchild", trait=(2, 40, 42, 44, 80, 20, 10), parent=CHILD, forked_at=3)
NEAR_BASE = dataclasses.replace(CHILD, name="near base", parent=CHILD, forked_at=0)
FAMILY = (PARENT, CHILD, GRANDCHILD, NEAR_BASE)
CURVE = "SELECT * EXCLUDE (run_id) FROM trait_curve"
IDS = {chain.name: chain_spec(chain).run_id for chain in FAMILY}


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(ingested(write_lab(tmp_path_factory.mktemp("family") / "lab", FAMILY)))


def sources(lab: Asking, name: str) -> list[str]:
    query = "SELECT source_run_id FROM lineage WHERE run_id = ? ORDER BY cycle"
    names = {run_id: name for name, run_id in IDS.items()}
    return [names[row["source_run_id"]] for row in lab.sql(query, [IDS[name]]).rows()]


def test_lineage_names_who_holds_each_cycle(family: Asking) -> None:
    assert sources(family, "parent") == ["parent"] * 7
    assert sources(family, "child") == ["parent"] * 4 + ["child"] * 3
    assert sources(family, "grandchild") == ["parent"] * 4 + ["child"] + ["grandchild"] * 2
    assert sources(family, "near base") == ["parent"] * 2 + ["near base"] * 5


def test_a_forks_curve_begins_with_its_ancestors_points(family: Asking) -> None:
    points = {
        name: family.sql(
            "SELECT * EXCLUDE (run_id) FROM trait_curve WHERE run_id = ? ORDER BY cycle", [run_id]
        ).tuples()
        for name, run_id in IDS.items()
    }
    assert {len(curve) for curve in points.values()} == {7}
    assert points["child"][:4] == points["parent"][:4]
    assert points["grandchild"][:5] == points["child"][:5]
    assert points["child"][4] != points["parent"][4]
    assert points["near base"][:2] == points["parent"][:2]


def test_a_forks_deltas_are_to_the_m0_it_inherited(family: Asking) -> None:
    for name, run_id in IDS.items():
        rows = family.sql("SELECT cycle, delta, prompts FROM deltas WHERE run_id = ? ORDER BY cycle", [run_id]).rows()
        means = family.sql(
            "SELECT cycle, prompt_id, value FROM chain_prompt_means WHERE run_id = ? AND metric = 'trait'", [run_id]
        ).tuples()
        held = {(cycle, prompt): value for cycle, prompt, value in means}
        prompts = sorted({prompt for _, prompt in held})
        for row in rows:
            gains = [held[row["cycle"], prompt] - held[0, prompt] for prompt in prompts]
            assert row["delta"] == pytest.approx(sum(gains) / len(gains)), (name, row["cycle"])
        assert [row["cycle"] for row in rows] == list(range(-1, 6))


def test_a_forks_texts_and_ladder_reach_back_to_base(family: Asking) -> None:
    query = "SELECT min(prompt_id) FROM chain_samples WHERE run_id = ? AND purpose = 'eval'"
    [(prompt_id,)] = family.sql(query, [IDS["parent"]]).tuples()
    parent, child, grandchild = (
        texts.rungs(family, IDS[name], prompt_id, draw=0) for name in ("parent", "child", "grandchild")
    )
    assert [rung.cycle for rung in grandchild] == list(range(-1, 6))
    assert [rung.sample_id for rung in child[:4]] == [rung.sample_id for rung in parent[:4]]
    assert [rung.sample_id for rung in grandchild[:5]] == [rung.sample_id for rung in child[:5]]
    assert {rung.run_id for rung in grandchild} == {IDS["grandchild"]}
    assert grandchild[0].trait == parent[0].trait
    rows = family.sql(
        "SELECT * FROM ladder WHERE run_id = ? AND draw = 0 ORDER BY prompt, cycle", [IDS["child"]]
    ).rows()
    assert {row["first_response"] for row in rows[:7]} == {rows[0]["response"]}


def test_a_sample_is_found_once_though_forks_inherit_it(family: Asking) -> None:
    inherited = SampleFilter(run_id=IDS["child"], cycle=0, purpose="eval")
    first = listed(family, inherited, limit=1)[0]
    assert texts.sample(family, first.sample_id).run_id == IDS["parent"]
    assert texts.sample(family, first.sample_id, IDS["child"]).run_id == IDS["child"]
    assert len(read_in_full(family, [first])[first.sample_id].judgements) == 2
    assert len(listed(family, inherited)) == 6


def test_a_forks_verdict_takes_its_whole_chain(family: Asking) -> None:
    found = family.sql("SELECT run_id, a, notes FROM verdicts WHERE scope = 'run'").rows()
    a = {row["run_id"]: row["a"] for row in found}
    assert a[IDS["child"]] == pytest.approx(50, abs=8)
    assert a[IDS["grandchild"]] == pytest.approx(-20, abs=8)
    assert [note for row in found for note in row["notes"] or () if "missing" in note] == []


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(order, marks=() if i % 5 == 0 else pytest.mark.proof)
        for i, order in enumerate(permutations(range(4)))
    ],
)
def test_a_family_may_be_met_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    small = dict(SMALL, prompts=2, draws=1)
    family = [dataclasses.replace(chain, **small) for chain in FAMILY]
    whole = write_lab(tmp_path / "whole", family)
    parts, connection = create_lab(find_lab(tmp_path / "parts")), memory()
    ingest = Ingest(connection, parts)
    for i in order:
        write_chain(parts, family[i])
        ingest.poll()
    assert dump(connection) == dump(ingested(whole))
    assert values(connection, "SELECT count(*) FROM deltas") == [4 * 7]


def test_runs_that_name_each_other_as_parents_end_no_ingest(tmp_path: Path) -> None:
    lab: Lab = create_lab(find_lab(tmp_path / "lab"))
    for name, parent in (("a", "b"), ("b", "a"), ("c", "nowhere")):
        spec = chain_spec(Chain(name, **SMALL)).model_copy(
            update={"run_id": name, "parent_run_id": parent, "forked_at_cycle": 2}
        )
        lab.run(name).mkdir()
        (lab.run(name) / "spec.json").write_text(spec.model_dump_json())
    connection = ingested(lab)
    assert values(connection, "SELECT count(*) FROM runs") == [3]
    assert values(connection, "SELECT count(*) FROM trait_curve") == [0]
