"""The studies that come with the program: each resolves as it stands to the runs that its first lines promise."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import idemtui
from engine.packs import open_pack
from engine.spec import CONTROLS, RunSpec
from engine.study import resolve_study

FOLDER = Path(idemtui.__path__[0]) / "studies"


@cache
def resolve(name: str) -> list[RunSpec]:
    return resolve_study(FOLDER / f"{name}.toml")


def test_every_file_there_is_one_of_these() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == ["data-quantity", "dpo-factors", "findings"]


@pytest.mark.parametrize(
    ("name", "cells", "replicates", "owed"),
    [("findings", 7 * 5, 5, 7 * 3 * 3), ("data-quantity", 4 * 2, 5, 3), ("dpo-factors", 16, 3, 3)],
)
def test_replicates_of_every_cell_and_its_controls(name: str, cells: int, replicates: int, owed: int) -> None:
    specs = resolve(name)
    assert {spec.study for spec in specs} == {name}
    own = Counter(spec.cell for spec in specs if spec.run.control is None)
    assert (len(own), set(own.values())) == (cells, {replicates})
    controls = [spec for spec in specs if spec.run.control]
    assert len(controls) == owed
    asked = Counter((spec.run.trait, spec.run.regime, spec.run.control) for spec in controls)
    assert set(asked.values()) == {1}
    assert {control for _, _, control in asked} == set(CONTROLS)
    assert len({spec.run_id for spec in specs}) == len({spec.name for spec in specs}) == len(specs)


def test_the_findings_are_seven_traits_in_five_arms() -> None:
    specs = [spec for spec in resolve("findings") if spec.run.control is None]
    assert {spec.run.trait for spec in specs} == set(open_pack("pocket").traits())
    arms = {spec.cell.removeprefix(f"{spec.run.trait} ") for spec in specs}
    assert arms == {"sft reset", "sft continual", "sdf reset", "dpo continual", "dpo reset"}


def test_data_quantity_moves_the_rows_and_not_the_steps() -> None:
    specs = [spec for spec in resolve("data-quantity") if spec.run.control is None]
    assert {(spec.train.steps, spec.seed_train.steps) for spec in specs} == {(25, None)}
    assert {(spec.run.n_seed, spec.run.n_sampled) for spec in specs} == {
        (n, m) for n in (24, 26, 50, 54) for m in (25, 100)
    }
