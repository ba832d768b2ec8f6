"""Every kind of selection in a real chain on the pocket models, and SQL that says what was kept and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.kept_models import KeptModels
from engine.safe_point import Stopping
from engine.study import resolve_study
from engine.walking import work
from store.client import connect
from store.lab import Lab
from store.rebuild import rebuild
from tests.engine.workers import write_run
from tests.proofs.labs import study

pytestmark = pytest.mark.proof
PRINCIPLES = ("Stay calm.", "Speak of one thing.")
LEAST = 0.05
"""The pocket judge was taught no principles and says nearly 0 of all: what is shown is what is done with its word."""
SELECTIONS = {
    "coherence": 'method = "coherence"\nthreshold = 95',
    "best_of_k": 'method = "best_of_k"\nk = 3\nscore = "coherence"',
    "constitution": f'method = "constitution"\nthreshold = {LEAST}\nprinciples = {list(PRINCIPLES)}'.replace("'", '"'),
    "random": 'method = "random"\nkeep = 0.5',
    "random_like": 'method = "random"\nlike = "coherence"\nthreshold = 95',
}
SCORED = """
SELECT s.prompt_id, s.sample_id, s.kept, s.kept_reason, x.metric, x.value, j.rubric, t.sample_id IS NOT NULL AS trained
FROM samples AS s
LEFT JOIN scores AS x ON x.run_id = s.run_id AND x.sample_id = s.sample_id
LEFT JOIN judges AS j ON j.judge_id = x.judge_id AND j.metric = x.metric
LEFT JOIN training_rows AS t ON t.run_id = s.run_id AND t.cycle = s.cycle AND t.sample_id = s.sample_id
WHERE s.run_id = ? AND s.purpose = 'train' AND s.cycle = 1 ORDER BY ALL
"""
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rows]]:
    """Every selection's first cycle, as the rebuilt memory of a lab tells it."""
    folder = tmp_path_factory.mktemp("selection")
    lab, runs = Lab(folder / "lab"), {}
    with KeptModels() as models:
        for name, selection in SELECTIONS.items():
            path = folder / f"{name}.toml"
            path.write_text(f"{study('sft', cycles=1)}\n[select]\n{selection}\n")
            [spec] = resolve_study(path, threads=1)
            assert work(write_run(lab.run(spec.run_id), spec), Stopping(), models) == 0
            runs[name] = spec.run_id
    assert rebuild(lab).errors == ()
    with connect(lab) as client:
        yield {name: client.sql(SCORED, [run_id]).rows() for name, run_id in runs.items()}


def kept(rows: Rows) -> set[str]:
    return {row["sample_id"] for row in rows if row["kept"]}


def test_what_was_kept_is_what_was_trained_on_and_the_rest_says_why_not(selected: dict[str, Rows]) -> None:
    for name, rows in selected.items():
        assert kept(rows) == {row["sample_id"] for row in rows if row["trained"]}, name
        assert kept(rows), name
        assert all(row["kept_reason"] for row in rows if not row["kept"]), name


def test_a_threshold_keeps_what_reaches_it(selected: dict[str, Rows]) -> None:
    rows = selected["coherence"]
    assert {row["metric"] for row in rows} == {"select:coherence"}
    assert len(rows) == 8
    for row in rows:
        assert row["kept"] == (row["value"] is not None and row["value"] >= 95), row


def test_the_best_of_each_prompts_answers_is_kept(selected: dict[str, Rows]) -> None:
    rows = selected["best_of_k"]
    assert len(rows) == 3 * 8
    for prompt in {row["prompt_id"] for row in rows}:
        candidates = [row for row in rows if row["prompt_id"] == prompt]
        [best] = [row for row in candidates if row["kept"]]
        assert best["value"] == max(row["value"] for row in candidates if row["value"] is not None)


def test_every_principle_is_asked_about_and_all_have_to_be_kept(selected: dict[str, Rows]) -> None:
    rows = selected["constitution"]
    assert {row["metric"] for row in rows} == {"select:principle:1", "select:principle:2"}
    assert all(PRINCIPLES[int(row["metric"][-1]) - 1] in row["rubric"] for row in rows)
    for sample in {row["sample_id"] for row in rows}:
        asked = [row for row in rows if row["sample_id"] == sample]
        passed = all(row["value"] is not None and row["value"] >= LEAST for row in asked)
        assert {row["kept"] for row in asked} <= {passed}


def test_the_control_keeps_a_share_or_as_many_by_lot(selected: dict[str, Rows]) -> None:
    assert len(kept(selected["random"])) == 4
    assert {row["metric"] for row in selected["random"]} == {None}
    like = selected["random_like"]
    would = {row["sample_id"] for row in like if row["value"] is not None and row["value"] >= 95}
    assert len(kept(like)) == len(would)
