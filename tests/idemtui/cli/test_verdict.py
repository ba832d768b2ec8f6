"""What `idemtui verdict` says through the real store: controls, many cells, and everything that cannot be averaged."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from idemtui.server.rebuild import rebuild_lab
from tests.idemtui.cli.conftest import Idemtui, Said
from tests.store.journals import Chain, replicates, write_lab, write_twice_judged

SMALL: dict[str, Any] = {"prompts": 5, "draws": 3, "n_seed": 2, "n_sampled": 2, "steps": 1}
CELL = tuple(dataclasses.replace(chain, **SMALL) for chain in replicates(3))
ONE, TWO, THREE = CELL
RESAMPLED = dataclasses.replace(ONE, name="still", control="resample-only", replicate=1)
UNSEEDED = dataclasses.replace(ONE, name="bare", control="no-seed", replicate=1)


def told(idemtui: Idemtui, folder: Path, chains: Sequence[Chain], *words: str) -> Said:
    lab = write_lab(folder / "lab", chains)
    rebuild_lab(lab)
    return idemtui("--lab", lab.root, "verdict", "cells", *words)


@pytest.mark.parametrize(
    ("chains", "sentence"),
    [
        pytest.param(
            (ONE, dataclasses.replace(TWO, status="failed")),
            "1 replicate; an interval and a label need 3",
            id="one replicate",
        ),
        pytest.param((ONE, TWO), "2 replicates; an interval and a label need 3", id="two replicates"),
        pytest.param((ONE, TWO, dataclasses.replace(THREE, done=4)), "replicate 3: cycle 5 is missing", id="cycles"),
        pytest.param(
            (ONE, TWO, dataclasses.replace(THREE, empty_from=3)),
            "replicate 3: no verdict: cycle 4 has no trait score (15 of 15 answers are empty)",
            id="empty answers",
        ),
        pytest.param(
            (ONE, TWO, dataclasses.replace(THREE, prompts=3)),
            "unequal prompts: of 5, replicate 3 lacks 2; each L is over its own prompts",
            id="prompts",
        ),
        pytest.param(
            (ONE, TWO, dataclasses.replace(THREE, judge="somebody")),
            "no verdict: scores of 2 judges are not averaged: pocket-judge:tree scored replicate 1, replicate 2; "
            "somebody scored replicate 3",
            id="judges",
        ),
        pytest.param(
            tuple(dataclasses.replace(chain, null_from=4) for chain in CELL),
            "replicate 1: no verdict: cycle 4 has no trait score",
            id="all null",
        ),
    ],
)
def test_what_cannot_be_averaged_is_named(
    idemtui: Idemtui, tmp_path: Path, chains: Sequence[Chain], sentence: str
) -> None:
    said = told(idemtui, tmp_path, chains)
    assert said.code == 0
    assert sentence in said.out


def test_all_null_cycles_are_no_zero(idemtui: Idemtui, tmp_path: Path) -> None:
    chains = [dataclasses.replace(chain, null_from=4) for chain in CELL]
    found = told(idemtui, tmp_path, chains, "--json").json
    assert len(found) == 4
    assert {(row["a"], row["l"], row["ci_low"], row["label"]) for row in found} == {(None, None, None, None)}


def test_the_null_band_stands_beside_a_cell_and_what_lacks_is_said(idemtui: Idemtui, tmp_path: Path) -> None:
    said = told(idemtui, tmp_path, (*CELL, RESAMPLED, UNSEEDED))
    assert "null band" in said.out.splitlines()[0]
    assert "null band without seed-only: that control has no Δ" in said.out
    assert "Where the variance of L comes from" in said.out
    assert "cells: amplified by the paper, 0 of 3 chains: 0.0 % [0.0, 56.1]" in said.out
    assert "0 of 1 no-seed controls" in said.out
    bare = told(idemtui, tmp_path / "bare", CELL)
    assert "null band" not in bare.out.splitlines()[0]
    assert "no null band: neither resample-only nor seed-only has a Δ" in bare.out


def test_plot_draws_what_the_console_draws_beside_a_curve(idemtui: Idemtui, tmp_path: Path) -> None:
    low = dataclasses.replace(UNSEEDED, trait=(2, 3, 2, 2, 1, 2, 3, 2))
    lab = write_lab(tmp_path / "lab", (ONE, RESAMPLED, low))
    rebuild_lab(lab)
    drawn = idemtui("--lab", lab.root, "plot", ONE.name, "--width", "80").out
    assert "░ null band  × no-seed" in drawn.splitlines()[0]
    assert drawn.count("░") > 40
    assert "╌+15" in drawn
    assert "× bare  no-seed control" in drawn
    assert "from 6 Δ of controls" in drawn
    points = idemtui("--lab", lab.root, "plot", ONE.name, "--json").json
    own = [point for point in points if point["beside"] is None]
    assert {point["name"] for point in points if point["beside"] == own[0]["run_id"]} == {"bare"}
    assert {point["null_count"] for point in own} == {6}
    assert "× no-seed" not in idemtui("--lab", lab.root, "plot", "bare", "--width", "80").out.splitlines()[0]


def test_rows_carry_bands_q_and_parts_as_json(idemtui: Idemtui, tmp_path: Path) -> None:
    found = told(idemtui, tmp_path, (*CELL, RESAMPLED), "--json").json
    cell = next(row for row in found if row["scope"] == "cell")
    assert cell["null_low"] < 0 < cell["null_high"]
    assert cell["null_count"] == 6
    assert 0 <= cell["q_drift"] <= 1
    assert cell["sd_replicates"] is not None


def test_chains_are_shown_where_they_are_asked_for(idemtui: Idemtui, tmp_path: Path) -> None:
    assert "cell-1 " not in told(idemtui, tmp_path, CELL).out
    assert "cell-1 " in told(idemtui, tmp_path / "all", CELL, "--chains").out


def test_rates_alone(idemtui: Idemtui, tmp_path: Path) -> None:
    found = told(idemtui, tmp_path, CELL, "--rates", "--json").json
    rate = next(row for row in found if row["scope"] == "run")
    assert (rate["hits"], rate["total"]) == (0, 3)
    assert rate["high"] == pytest.approx(0.5615, abs=1e-3)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cell whose trait somebody else scored too, and a run of another study that somebody alone scored."""
    alone = dataclasses.replace(ONE, name="alone", study="s", judge="somebody")
    lab = write_lab(tmp_path_factory.mktemp("judged") / "lab", [alone])
    for chain in CELL:
        write_twice_judged(lab, chain, "somebody", 20.0)
    rebuild_lab(lab)
    return lab.root


def test_another_judge_is_chosen_by_name_and_said(idemtui: Idemtui, judged: Path) -> None:
    def say(*words: str) -> Said:
        return idemtui("--lab", judged, *words)

    own, other = (say("verdict", "cells", *words, "--json").json for words in ((), ("--judge", "some")))
    shifted = {row["run_id"]: row["l"] + 20 for row in own if row["scope"] == "run"}
    assert {row["run_id"]: pytest.approx(row["l"]) for row in other if row["scope"] == "run"} == shifted
    assert {row["judge"] for row in other} == {"somebody"}
    told = say("verdict", "cells", "--judge", "some").out
    assert "All of it by the judge somebody." in told
    assert "Rates" not in told
    shown = say("show", own[-1]["run_id"], "--judge", "some")
    assert "scores and verdict by the judge somebody" in shown.out
    assert f"L = {shifted[own[-1]['run_id']]:.1f}" in shown.out
    drawn = say("plot", own[-1]["run_id"], "--judge", "some", "--width", "80").out
    assert "all of it by the judge somebody" in drawn
    both = say("plot", own[-1]["run_id"], "alone", "--width", "80").out
    assert "of different judges and no one scale" in both


def test_groups_are_compared_by_another_judge(idemtui: Idemtui, judged: Path) -> None:
    [own], [other] = (
        idemtui("--lab", judged, "compare", "cells", *words, "--json").json for words in ((), ("--judge", "some"))
    )
    assert [point["cycle"] for point in other["points"]] == [point["cycle"] for point in own["points"]]
    assert other["points"][-1]["delta"] == pytest.approx(own["points"][-1]["delta"] + 20, abs=1e-6)
    assert other["points"][-1]["coherence"] is None
    assert other["verdict"]["l"] == pytest.approx(own["verdict"]["l"] + 20)
    assert [cell["value"] for cell in other["matrix"]] == pytest.approx([point["trait"] for point in other["points"]])
    assert other["points"][0]["runs"] == 3
    assert idemtui("--lab", judged, "compare", "cells", "--judge", "some").code == 0


def test_a_judge_that_scored_nothing_is_refused_in_one_line(idemtui: Idemtui, judged: Path) -> None:
    for words in (("verdict", "cells"), ("compare", "cells"), ("plot", ONE.name), ("show", ONE.name)):
        said = idemtui("--lab", judged, *words, "--judge", "nobody")
        assert said.code == 2
        assert said.err.count("\n") == 1
    assert "leave out --rates" in idemtui("--lab", judged, "verdict", "--rates", "--judge", "some").err


def test_chains_of_one_name_are_told_by_their_studies(idemtui: Idemtui, tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", [ONE, TWO, dataclasses.replace(ONE, study="again", seed=9)])
    rebuild_lab(lab)
    said = idemtui("--lab", lab.root, "verdict", "--chains").out
    called = [line.split("  ")[0] for line in said.splitlines()]
    assert {f"{ONE.name} · cells", f"{ONE.name} · again", TWO.name} <= set(called)
    runs = [run["run_id"] for run in idemtui("--lab", lab.root, "ls", "--json").json]
    drawn = idemtui("--lab", lab.root, "plot", *runs).out
    assert f"{ONE.name} · again" in drawn
