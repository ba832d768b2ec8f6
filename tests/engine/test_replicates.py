"""Replicates of a study: how their seeds count up, and how they share one M_0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import SpecError
from engine.events import AdapterTrained, CycleStarted
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.engine.chains import make_spec, write_pack
from tests.engine.fake_parts import work_on
from tests.engine.workers import events, write_run

HEAD = '[study]\nname = "r"\ncontrols = []\n'
RUN = (
    '[run]\nmodel = "pocket/instruct"\ntrait = "bliss"\nregime = "sft"\ncycles = 3\n'
    "n_seed = 6\nn_sampled = 6\nseed = 4\n"
)
GRID = '[grid]\n"run.n_seed" = [6, 8]\n'


def resolve(folder: Path, study: str = "", more: str = "", run: str = RUN, **overrides: Any) -> list[RunSpec]:
    path = folder / "study.toml"
    path.write_text(HEAD + study + run + more)
    return resolve_study(path, overrides=overrides)


def test_seeds_count_up_from_the_runs_own(tmp_path: Path) -> None:
    specs = resolve(tmp_path, "replicates = 3\n", GRID)
    seeds = [(spec.run.n_seed, spec.run.seed, spec.replicate) for spec in specs]
    assert seeds == [(n, 3 + r, r) for n in (6, 8) for r in (1, 2, 3)]
    assert len({spec.run_id for spec in specs}) == 6
    assert {spec.cell for spec in specs} == {"bliss sft reset n_seed=6", "bliss sft reset n_seed=8"}
    [alone] = resolve(tmp_path, run=RUN.replace("n_seed = 6", "n_seed = 8").replace("seed = 4", "seed = 5"))
    assert alone.run_id == specs[4].run_id, "a replicate is the run that it would be alone"
    assert specs[1].origins["run.seed"] == "study"


def test_each_cell_s_controls_stay_one_chain_with_the_first_seed(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(HEAD.replace("controls = []", "replicates = 3") + RUN + GRID)
    owed = [spec for spec in resolve_study(path) if spec.run.control]
    assert [(s.run.control, s.run.n_seed, s.run.seed) for s in owed] == [
        ("no-seed", 6, 4), ("resample-only", 6, 4), ("seed-only", 6, 4)
    ]  # fmt: skip


def test_a_shared_m0_is_the_first_replicates(tmp_path: Path) -> None:
    specs = resolve(tmp_path, "replicates = 3\nshared_m0 = true\n", GRID)
    for first, *others in (specs[:3], specs[3:]):
        assert first.parent_run_id is None
        assert [(s.parent_run_id, s.forked_at_cycle) for s in others] == [(first.run_id, 0)] * 2
        assert len({spec.cell for spec in (first, *others)}) == 1
        assert "shared-M_0" in first.cell
    assert [spec.replicate for spec in specs] == [1, 2, 3, 1, 2, 3]
    assert specs[0].run_id == resolve(tmp_path)[0].run_id
    again = resolve(tmp_path, "replicates = 3\nshared_m0 = true\n", GRID)
    assert [s.run_id for s in again] == [s.run_id for s in specs], "the same study is the same runs"


def test_replicates_on_one_m0_train_it_once_and_go_their_own_ways(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack").folder
    first = make_spec(pack)
    other = first.model_copy(
        update={
            "run_id": "9" * 10, "parent_run_id": first.run_id, "forked_at_cycle": 0,
            "run": first.run.model_copy(update={"seed": 2}),
        }
    )  # fmt: skip
    folders = [write_run(tmp_path / "runs" / spec.run_id, spec) for spec in (first, other)]
    assert [work_on(folder) for folder in folders] == [0, 0]
    seen = [events(folder) for folder in folders]
    assert [[e.cycle for e in s if isinstance(e, CycleStarted)] for s in seen] == [[-1, 0, 1, 2, 3], [1, 2, 3]]
    made = [{e.cycle: e.adapter_sha256 for e in s if isinstance(e, AdapterTrained)} for s in seen]
    assert all(made[0][cycle] != made[1][cycle] for cycle in (1, 2, 3))


MISTAKES = {
    "no number": ('replicates = "5"\n', "", r"study\.replicates = '5'; allowed: a whole number from 1 to"),
    "none": ("replicates = 0\n", "", r"study\.replicates = 0; allowed"),
    "two ways of seeding": ("replicates = 2\n", '[grid]\n"run.seed" = [1, 2]\n', r"counts run\.seed up by itself"),
    "nobody to share with": ("shared_m0 = true\n", "", r"set study\.replicates to 2 or more"),
    "shared what": ("replicates = 2\nshared_m0 = 1\n", "", r"study\.shared_m0 = 1; allowed: true, false"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(tmp_path: Path, name: str) -> None:
    study, more, told = MISTAKES[name]
    with pytest.raises(SpecError, match=told):
        resolve(tmp_path, study, more)


def test_nothing_after_m0_leaves_nothing_to_share(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"set run\.cycles to 1"):
        resolve(tmp_path, "replicates = 2\nshared_m0 = true\n", **{"run.cycles": 0})
