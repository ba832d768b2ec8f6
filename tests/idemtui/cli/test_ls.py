"""`ls` sorts, filters and groups as the console's Runs does, by the same code; what live runs still need is told."""

from __future__ import annotations

import pytest

from idemtui.cli.run_lines import run_cells, run_fields
from idemtui.cli.runs import SORTED
from idemtui.console.facts import Stage, run_of
from idemtui.listing import SORTS
from tests.idemtui.cli.conftest import Idemtui


def named(idemtui: Idemtui, *words: str) -> list[str]:
    return [run["name"] for run in idemtui("ls", "--json", *words).json]


def test_every_order_of_the_console_has_a_name_here() -> None:
    assert set(SORTED.values()) == set(SORTS)


@pytest.mark.parametrize(("key", "column"), [("delta", "delta"), ("L", "l"), ("score", "trait_score"), ("run", "name")])
@pytest.mark.parametrize("turned", [(), ("-r",)])
def test_runs_are_sorted_and_what_has_no_value_stands_last(
    idemtui: Idemtui, key: str, column: str, turned: tuple[str, ...]
) -> None:
    values = [run[column] for run in idemtui("ls", "--json", "--sort", key, *turned).json]
    held = [value for value in values if value is not None]
    assert held == sorted(held, reverse=bool(turned))
    assert values[: len(held)] == held


def test_words_narrow_the_list_and_a_field_may_be_named(idemtui: Idemtui) -> None:
    assert named(idemtui, "--filter", "DPO reset") == ["dpo-reset"]
    assert named(idemtui, "--filter", "study:cells run:-2") == ["cell-2"]
    assert named(idemtui, "--filter", "status:ended study:demo") == []
    assert named(idemtui, "--filter", "status:failed") == ["sft-failed"]
    assert "sft-failed" not in named(idemtui, "--filter", "status:finished")
    assert named(idemtui, "--filter", "status:live") == []
    said = idemtui("ls", "--filter", "nothing:such")
    assert (said.code, said.out.splitlines()[0]) == (0, "No run has these words: 'nothing:such'.")


def test_a_cells_line_has_its_runs_mean_and_its_verdict(idemtui: Idemtui) -> None:
    groups = idemtui("ls", "--group", "cell", "--filter", "study:cells", "--json").json
    assert [run["name"] for run in groups[0]["runs"]] == ["cell-1", "cell-2", "cell-3"]
    assert groups[0]["verdict"]["label"] == "AMPLIFIED"
    assert groups[0]["delta"] == pytest.approx(sum(run["delta"] for run in groups[0]["runs"]) / 3)
    lines = idemtui("ls", "--group", "study").out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("──")] == ["demo", "cells", "odd"]
    assert "4 finished, 1 failed" in lines[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--sort", "size"), "--sort 'size': allowed are queued, arm, score"),
        (("--group", "model"), "--group 'model': allowed are study, cell."),
    ],
)
def test_what_is_no_order_or_grouping_is_one_line(idemtui: Idemtui, words: tuple[str, ...], told: str) -> None:
    said = idemtui("ls", *words)
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 1


@pytest.fixture(scope="module")
def row() -> dict[str, object]:
    names = ("run_id", "study", "name", "cell", "status", "trait", "model", "regime", "init", "reference", "rejected")
    facts = dict.fromkeys(
        ("trait_score", "delta", "coherence", "deltas", "a", "l", "ci_low", "suffixes", "judge_method")
    )
    server = {"silent_seconds": None, "message": None, "queue_position": None}
    counts = {"cycles": 6, "seed": 1, "n_seed": 2, "n_sampled": 3, "cycle": 2}
    return {**dict.fromkeys(names, "x"), **facts, **server, **counts, "status": "running"}


def test_a_live_run_says_what_it_does_and_how_long_it_has(row: dict[str, object]) -> None:
    run = run_of(row, (), stage=Stage(3, "train", 10, 40, 720.0))
    cells = run_cells(run, row, 0)
    assert (cells["status"], cells["left"], cells["cycle"]) == ("train 25%", "12 min", "M2/6")
    assert run_fields(run)["left_seconds"] == 720.0
