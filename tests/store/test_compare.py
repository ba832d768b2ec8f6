"""Runs grouped by a setting: what they differ in, the groups' means and intervals against plain arithmetic."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path

import pytest

from engine.errors import UsageError
from store import queries
from store.compare import choices_of, compare, grouped, in_words, matrix
from store.intervals import t_quantile
from tests.store.journals import DEMO, Chain, chain_spec, replicates, write_lab
from tests.store.tables import Asking, ingested

CELL = replicates(3, drift=6.0)
IDS = [chain_spec(chain).run_id for chain in (*DEMO, *CELL)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(ingested(write_lab(tmp_path_factory.mktemp("compare") / "lab", [*DEMO, *CELL])))


def test_runs_are_grouped_by_any_setting_that_differs(lab: Asking) -> None:
    found = compare(lab, IDS, "run.regime")
    assert [(group.name, len(group.run_ids)) for group in found.groups] == [("sft", 4), ("sdf", 1), ("dpo", 2)]
    names = [choice.name for choice in found.choices]
    assert {"cell", "study", "run", "run.regime", "run.init", "run.model"} <= set(names)
    assert "run.seed" not in names
    assert "train.learning_rate" not in names, "all runs agree in it"


def test_a_groups_band_is_t_over_its_runs(lab: Asking) -> None:
    [group] = compare(lab, IDS[len(DEMO) :], "study").groups
    curves = queries.curves(lab, group.run_ids)
    assert [point.cycle for point in group.points] == list(range(-1, 7))
    for point in group.points:
        scores = [p.trait for curve in curves.values() for p in curve if p.cycle == point.cycle and p.trait is not None]
        half = t_quantile(2) * statistics.stdev(scores) / 3**0.5
        assert point.runs == 3
        assert point.trait == pytest.approx(statistics.mean(scores))
        assert point.trait_low == pytest.approx(statistics.mean(scores) - half, abs=1e-4)
        assert point.trait_high == pytest.approx(statistics.mean(scores) + half, abs=1e-4)


def test_a_whole_cell_and_a_single_run_carry_their_verdicts(lab: Asking) -> None:
    [cell] = compare(lab, IDS[len(DEMO) :]).groups
    assert cell.verdict is not None
    assert (cell.verdict.scope, cell.verdict.label) == ("cell", "AMPLIFIED")
    part = compare(lab, IDS[len(DEMO) : -1]).groups[0]
    assert part.verdict is None, "two of three replicates are not the cell"
    alone = compare(lab, IDS[:1], "run").groups[0]
    assert alone.verdict is not None
    assert (alone.name, alone.verdict.scope) == ("sft-reset", "run")
    assert alone.points[0].trait_low is None


def test_scores_of_two_judges_are_not_averaged_and_said_so(tmp_path: Path) -> None:
    other = dataclasses.replace(CELL[1], judge="somebody")
    lab = Asking(ingested(write_lab(tmp_path / "lab", [CELL[0], other])))
    ids = [chain_spec(chain).run_id for chain in (CELL[0], other)]
    [group] = compare(lab, ids).groups
    assert group.points == ()
    assert group.mixed == (
        "scores of 2 judges are not averaged (pocket-judge:tree, somebody); group by judge.model or run"
    )
    assert matrix(lab, [group]) == []
    assert [(one.mixed, len(one.points)) for one in compare(lab, ids, "run").groups] == [(None, 8), (None, 8)]


def test_what_cannot_be_grouped_by_is_answered_with_what_can(lab: Asking) -> None:
    with pytest.raises(UsageError, match=r"by 'train.beta': these runs do not differ in it; allowed: .*run.regime"):
        compare(lab, IDS, "train.beta")


def test_the_matrix_has_every_trait_of_every_generation(lab: Asking) -> None:
    found = compare(lab, IDS[:2], "run.regime")
    cells = matrix(lab, found.groups)
    assert {(cell.group, cell.trait) for cell in cells} == {("sft", "bliss"), ("sdf", "bliss")}
    assert [cell.cycle for cell in cells if cell.group == "sft"] == list(range(-1, 7))
    means = {point.cycle: point.trait for point in found.groups[0].points}
    assert all(cell.value == pytest.approx(means[cell.cycle]) for cell in cells if cell.group == "sft")


def test_runs_that_have_measured_nothing_form_groups_without_points(tmp_path: Path) -> None:
    queued = Chain("waits", status="queued")
    lab = Asking(ingested(write_lab(tmp_path / "lab", [queued])))
    [group] = compare(lab, [chain_spec(queued).run_id]).groups
    assert (group.points, group.verdict) == ((), None)
    assert compare(lab, []).groups == ()


def test_groups_of_numbers_stand_in_their_order_and_shared_cells_carry_their_study() -> None:
    def run(study: str, cell: str, count: str) -> dict[str, str]:
        return {"study": study, "cell": cell, "run": f"{cell}-{study}", "run.n_seed": count}

    runs = {"a": run("one", "x", "100"), "b": run("two", "x", "24")}
    assert list(grouped(runs, "run.n_seed")) == ["24", "100"]
    assert list(grouped(runs, "cell")) == ["x · one", "x · two"]
    assert [choice.name for choice in choices_of(list(runs.values()))] == ["study", "run", "run.n_seed"]
    assert (in_words(True), in_words(None), in_words(["a", "b"]), in_words([])) == ("true", "–", "a, b", "–")
