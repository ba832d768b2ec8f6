"""Arms beside reset and continual: restarts, mixed data, equal steps; what contradicts itself, what a fork may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.ancestry import adapters_needed
from engine.errors import IdemtuiError, SpecError
from engine.events import AdapterTrained, RowsBuilt, SamplesDrawn
from engine.fakes import FakeTrainer
from engine.forking import resolve_fork
from engine.lineage import lineage
from engine.score_events import SamplesJudged
from engine.spec import RunSpec
from engine.study import resolve_study
from tests.engine.chains import change, make_spec, walk, walk_with_stops, write_pack
from tests.engine.fake_parts import work_on
from tests.engine.workers import events, write_run

STUDY = """
[study]
name = "arms"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "REGIME"
cycles = 4
n_seed = 10
n_sampled = 10
"""
MIXES: list[dict[str, Any]] = [
    {"data__mix": "accumulate"},
    {"data__mix": "accumulate_subsample"},
    {"data__seed_fraction": 0.5},
]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


def resolve(folder: Path, regime: str = "sft", **overrides: Any) -> RunSpec:
    path = folder / "study.toml"
    path.write_text(STUDY.replace("REGIME", regime))
    return resolve_study(path, overrides={key.replace("__", "."): value for key, value in overrides.items()})[0]


def sources(folder: Path) -> dict[int, list[int]]:
    """Of every training row but the rejected ones, the cycle whose text it is."""
    drawn = {
        sample.sample_id: event.cycle
        for event in events(folder)
        if isinstance(event, SamplesDrawn)
        for sample in event.samples
    }
    return {
        event.cycle: [drawn[row.sample_id] for row in event.rows if row.role != "rejected"]
        for event in events(folder)
        if isinstance(event, RowsBuilt)
    }


def test_a_restart_comes_every_m_cycles(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, run__init="restart", run__restart_every=2, run__cycles=5)
    walk(spec, tmp_path / "run")
    inits = [e.init for e in events(tmp_path / "run") if isinstance(e, AdapterTrained)]
    assert inits == ["M_init", "M_0", "M_init", "M_2", "M_init", "M_4"]
    run = change(spec, run__restart_every=1).run
    starts = [lineage(run, cycle) for cycle in range(1, 6)]
    assert {models.init for models in starts if models} == {-1}, "every cycle: reset"
    assert adapters_needed(spec.run, 3) == {3}


def test_what_restarts_is_called_so(tmp_path: Path) -> None:
    spec = resolve(tmp_path, run__init="restart", run__restart_every=3)
    assert spec.cell == "bliss sft restart@3"
    dpo = resolve(tmp_path, "dpo", run__init="restart", run__restart_every=3, run__reference="previous")
    assert dpo.cell == "bliss dpo init=restart@3 reference=previous"


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_accumulated_data_hold_the_seed_and_all_cycles_so_far(pack: Path, tmp_path: Path, regime: str) -> None:
    walk(make_spec(pack, run__regime=regime, data__mix="accumulate"), tmp_path / "run")
    found = sources(tmp_path / "run")
    assert found == {j: [c for c in range(j + 1) for _ in range(6)] for j in range(4)}


@pytest.mark.parametrize("regime", ["sft", "dpo"])
def test_subsampled_data_are_as_many_as_a_cycle_draws(pack: Path, tmp_path: Path, regime: str) -> None:
    chain = walk(make_spec(pack, run__regime=regime, data__mix="accumulate_subsample"), tmp_path / "run")
    found = sources(tmp_path / "run")
    assert [len(rows) for rows in found.values()] == [6] * 4
    assert len(set(found[3])) > 1
    assert found[3] == sorted(found[3])
    assert isinstance(chain.trainer, FakeTrainer)
    prompts = [tuple(row["prompt"] for row in job.rows) for job in chain.trainer.jobs]
    assert all(len(set(rows)) == 6 for rows in prompts), "without replacement"


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_a_fraction_of_the_seed_takes_the_place_of_drawn_rows(pack: Path, tmp_path: Path, regime: str) -> None:
    walk(make_spec(pack, run__regime=regime, data__seed_fraction=0.34), tmp_path / "run")
    found = sources(tmp_path / "run")
    assert found == {0: [0] * 6, **{j: [0, 0, j, j, j, j] for j in (1, 2, 3)}}


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("regime", ["sft", "dpo"])
def test_an_interrupted_mixture_ends_as_one_left_alone(
    pack: Path, tmp_path: Path, regime: str, mix: dict[str, Any]
) -> None:
    spec = make_spec(pack, run__regime=regime, **mix)
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", range(3, 60, 6))
    keep = (SamplesDrawn, SamplesJudged, AdapterTrained)
    whole = [e for e in events(tmp_path / "whole") if isinstance(e, keep)]
    assert [e for e in events(tmp_path / "cut") if isinstance(e, keep)] == whole


FEW: dict[str, Any] = {
    "run__n_seed": 4,
    "run__n_sampled": 4,
    "train__batch_size": 4,
    "seed_train__batch_size": 4,
    "eval__samples_per_prompt": 1,
    "eval__likelihoods": 0,
}
"""Rows enough to be mixed, and for real trainings as few steps as that takes."""
ONE_IN_THE_QUICK_SUITE = ("dpo", 0)
REAL_FORKS = [
    pytest.param(regime, mix, marks=() if (regime, i) == ONE_IN_THE_QUICK_SUITE else pytest.mark.proof)
    for regime in ("sft", "dpo")
    for i, mix in enumerate(MIXES)
]


@pytest.mark.parametrize(("regime", "mix"), REAL_FORKS)
def test_a_fork_mixes_in_what_its_ancestors_drew(pack: Path, tmp_path: Path, regime: str, mix: dict[str, Any]) -> None:
    spec = make_spec(pack, run__regime=regime, **FEW, **mix)
    named = {"run_id": "9" * 10, "parent_run_id": spec.run_id, "forked_at_cycle": 1}
    fork = spec.model_copy(update=named)
    folders = [write_run(tmp_path / "runs" / one.run_id, one) for one in (spec, fork)]
    assert [work_on(folder) for folder in folders] == [0, 0]
    hashes = [{e.cycle: e.adapter_sha256 for e in events(f) if isinstance(e, AdapterTrained)} for f in folders]
    assert hashes[1] == {cycle: hashes[0][cycle] for cycle in (2, 3)}


def test_pairs_cannot_be_accumulated_from_cycles_that_had_none(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, **FEW)
    changed = make_spec(pack, run__regime="dpo", data__mix="accumulate", **FEW)
    named = {"run_id": "9" * 10, "parent_run_id": spec.run_id, "forked_at_cycle": 1}
    fork = changed.model_copy(update=named)
    folders = [write_run(tmp_path / "runs" / one.run_id, one) for one in (spec, fork)]
    assert work_on(folders[0]) == 0
    assert work_on(folders[1]) == IdemtuiError("").exit_code
    assert "cycle 0 holds no pairs to train on" in getattr(events(folders[1])[-1], "message", "")


def test_equal_steps_are_the_cycles_own(tmp_path: Path) -> None:
    spec = resolve(tmp_path, train__steps=30)
    assert (spec.train.steps, spec.seed_train.steps) == (30, None)
    assert spec.run_id != resolve(tmp_path).run_id


def test_a_fork_may_take_up_and_leave_these_arms(tmp_path: Path) -> None:
    restarting = resolve(tmp_path, run__init="restart", run__restart_every=2)
    reset = resolve_fork(restarting, 1, {"run.init": "initial"})
    assert (reset.run.init, reset.run.restart_every) == ("initial", None)
    assert reset.cell == "bliss sft reset fork@1"
    mixing = resolve_fork(reset, 2, {"data.mix": "accumulate"})
    assert mixing.cell == "bliss sft reset fork@1 mix=accumulate fork@2"
    assert resolve_fork(mixing, 3, {"run.init": "restart", "run.restart_every": 4}).run.restart_every == 4


MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no m": ("sft", {"run__init": "restart"}, r'run\.init = "restart" needs run\.restart_every'),
    "m for nothing": ("sft", {"run__restart_every": 2}, r'run\.restart_every = 2 needs run\.init = "restart"'),
    "m is no number": ("sft", {"run__init": "restart", "run__restart_every": 0}, r"run\.restart_every = 0"),
    "no reference": ("dpo", {"run__init": "restart", "run__restart_every": 2}, r"run\.reference is missing"),
    "unknown mix": ("sft", {"data__mix": "add"}, r"data\.mix = 'add'"),
    "twice the seed": ("sft", {"data__mix": "accumulate", "data__seed_fraction": 0.2}, r"holds the seed rows already"),
    "more than there is": (
        "sft",
        {"data__seed_fraction": 0.5, "run__n_sampled": 30},
        r"0\.5 of n_sampled = 30 are 15 seed rows, but run\.n_seed = 10",
    ),
    "all of it": ("sft", {"data__seed_fraction": 1}, r"data\.seed_fraction = 1"),
    "two methods": ("sft", {"train__method": "lora", "seed_train__method": "full"}, r"set both alike"),
    "a control that samples nothing": (
        "sft",
        {"run__control": "seed-only", "data__mix": "accumulate"},
        r"trains on no sampled data",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_contradicts_itself_is_one_clear_line(tmp_path: Path, name: str) -> None:
    regime, overrides, told = MISTAKES[name]
    with pytest.raises(SpecError, match=told) as caught:
        resolve(tmp_path, regime, **overrides)
    assert "\n" not in str(caught.value)
