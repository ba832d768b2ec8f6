"""`compare`: groups of runs, in a table and as JSON."""

from __future__ import annotations

import pytest

from tests.idemtui.cli.conftest import Idemtui


def test_a_study_is_compared_by_a_setting(idemtui: Idemtui) -> None:
    said = idemtui("compare", "demo", "--by", "run.regime")
    assert said.code == 0
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["sft", "sdf", "dpo"]
    assert "--by run.init: initial, previous" in said.out


def test_a_cell_carries_its_interval_label_and_points(idemtui: Idemtui) -> None:
    [cell] = idemtui("compare", "cells", "--json").json
    assert (len(cell["runs"]), cell["by"], cell["verdict"]["label"]) == (3, "cell", "AMPLIFIED")
    assert [point["cycle"] for point in cell["points"]] == list(range(-1, 7))
    last = cell["points"][-1]
    assert last["delta_low"] < last["delta"] < last["delta_high"]
    assert {row["trait"] for row in cell["matrix"]} == {"bliss"}


def test_runs_and_studies_can_be_mixed(idemtui: Idemtui) -> None:
    groups = idemtui("compare", "cells", "dpo-reset", "--by", "study", "--json").json
    assert {group["group"]: len(group["runs"]) for group in groups} == {"cells": 3, "demo": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "nowhere"), "studies: demo"),
        (("compare", "demo", "--by", "run.seed"), "by 'run.seed': these runs do not differ in it; allowed: "),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(idemtui: Idemtui, arguments: tuple[str, ...], words: str) -> None:
    said = idemtui(*arguments)
    assert said.code == 2
    assert words in said.err
