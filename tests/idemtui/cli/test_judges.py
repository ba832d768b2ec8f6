"""`diff`, `samples`, `ls` and `compare` by a judge of one's choice: its scores, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from idemtui.server.rebuild import rebuild_lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import Chain, write_lab, write_twice_judged

OTHER, SHIFT = "strict-judge", 20.0
TWICE = Chain("twice", prompts=3, draws=1, n_seed=2, n_sampled=2, steps=1)
ONCE = Chain("once", seed=5, prompts=3, draws=1, n_seed=2, n_sampled=2, steps=1, minutes=2)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lab = write_lab(tmp_path_factory.mktemp("twice") / "lab", [ONCE])
    write_twice_judged(lab, TWICE, OTHER, SHIFT)
    rebuild_lab(lab)
    return lab.root


def test_diff_shows_the_scores_of_the_judge_that_is_named(twice: Path, idemtui: Idemtui) -> None:
    def diff(*more: str) -> dict[tuple[str, int], tuple[float, float | None]]:
        found = idemtui("--lab", twice, "diff", "twice", "--cycles", "0", "3", "--json", *more).json
        return {(row["prompt_id"], c): (row["trait"][c], row["coherence"][c]) for row in found for c in (0, 1)}

    own, named, other = diff(), diff("--judge", TWICE.judge), diff("--judge", "strict")
    assert own == named
    assert {key: trait for key, (trait, _) in other.items()} == pytest.approx(
        {key: trait + SHIFT * key[1] for key, (trait, _) in own.items()}
    )
    assert {coherence for _, coherence in other.values()} == {None}
    said = idemtui("--lab", twice, "diff", "twice", "--judge", "nobody")
    assert said.code == 2
    assert "judges of their trait: pocket-judge:tree, strict-judge" in said.err


def test_samples_go_by_the_judge_that_is_named(twice: Path, idemtui: Idemtui) -> None:
    def samples(*more: str) -> list[tuple[str, float, float | None]]:
        asked = ("samples", "twice", "--cycle", "3", "--purpose", "eval", "--json")
        return [
            (row["sample_id"], row["trait"], row["coherence"]) for row in idemtui("--lab", twice, *asked, *more).json
        ]

    own = samples()
    assert samples("--judge", TWICE.judge) == own
    assert samples("--judge", "strict") == [(id_, pytest.approx(trait + SHIFT), None) for id_, trait, _ in own]
    highest = max(trait for _, trait, _ in own)
    assert [id_ for id_, *_ in samples("--judge", "strict", "--min-score", f"{highest + SHIFT - 0.01}")] == [
        id_ for id_, trait, _ in own if trait == highest
    ]
    assert idemtui("--lab", twice, "samples", "--judge", "nobody").code == 2


def test_ls_lists_runs_by_the_judge_that_is_named(twice: Path, idemtui: Idemtui) -> None:
    def ls(*more: str) -> dict[str, Any]:
        return {row["name"]: row for row in idemtui("--lab", twice, "ls", "--json", *more).json}

    scores = ("trait_score", "delta", "deltas", "coherence")
    own, named, other = ls(), ls("--judge", TWICE.judge), ls("--judge", "strict")
    assert own["twice"]["judge"] is None
    for name, run in own.items():
        assert {key: run[key] for key in scores} == pytest.approx({key: named[name][key] for key in scores}, abs=1e-3)
    assert other["twice"]["judge"] == OTHER
    assert other["twice"]["trait_score"] == pytest.approx(own["twice"]["trait_score"] + SHIFT)
    assert other["twice"]["deltas"] == pytest.approx([delta + SHIFT for delta in own["twice"]["deltas"]])
    assert other["twice"]["coherence"] is None
    assert {key: other["once"][key] for key in (*scores, "l")} == dict.fromkeys((*scores, "l"))
    said = idemtui("--lab", twice, "ls", "--judge", "strict").out.splitlines()
    assert said[-1] == "scores by strict-judge"
    order = [
        row["name"] for row in idemtui("--lab", twice, "ls", "--judge", "strict", "--sort", "score", "--json").json
    ]
    assert order == ["twice", "once"]
    assert "scored none" in idemtui("--lab", twice, "ls", "--judge", "nobody").err
