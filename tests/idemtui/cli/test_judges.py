"""`diff` by a judge of one's choice: its scores, its order of prompts, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from idemtui.server.rebuild import rebuild_lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import Chain, write_lab, write_twice_judged

OTHER, SHIFT = "strict-judge", 20.0
TWICE = Chain("twice", prompts=3, draws=1, n_seed=2, n_sampled=2, steps=1)


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    lab = write_lab(tmp_path / "lab", [])
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
