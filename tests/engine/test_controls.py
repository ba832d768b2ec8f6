"""Controls: which of them a study is owed, what each trains and measures, and what an interruption costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.controls import control_values
from engine.errors import SpecError
from engine.events import AdapterTrained, RowsBuilt, SamplesDrawn
from engine.fakes import FakeTrainer
from engine.forking import resolve_fork
from engine.lineage import lineage, measured
from engine.score_events import SamplesJudged
from engine.spec import CONTROLS, RunSpec, spec_identity
from engine.study import resolve_study
from tests.engine.chains import change, make_spec, walk, walk_with_stops, write_pack
from tests.engine.workers import events

STUDY = """
[study]
name = "controlled"
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 3
n_seed = 6
n_sampled = 6
[judge]
model = "pocket/judge"
"""
GRID = '[grid]\n"run.regime" = ["sft", "dpo"]\n"run.seed" = [4, 5]\n'


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


def control(pack: Path, name: str, **changes: Any) -> RunSpec:
    changes = {"run__control": name, **changes}
    if name != "no-seed" and changes.get("run__regime") == "dpo":
        changes |= {"run__init": "initial", "run__reference": "initial"}
    return make_spec(pack, **changes)


def study(folder: Path, text: str) -> list[RunSpec]:
    path = folder / "study.toml"
    path.write_text(text)
    return resolve_study(path)


def test_a_study_is_owed_every_control_once_per_trait_model_and_regime(tmp_path: Path) -> None:
    specs = study(tmp_path, STUDY + GRID)
    assert [spec.run.control for spec in specs[:4]] == [None] * 4, "controls come last"
    owed = [(spec.run.regime, spec.run.control, spec.run.seed) for spec in specs[4:]]
    assert owed == [(regime, name, 4) for regime in ("sft", "dpo") for name in CONTROLS]
    assert [spec.cell for spec in specs[4:]] == [
        "bliss sft reset no-seed", "bliss sft resample-only", "bliss sft seed-only",
        "bliss dpo continual no-seed", "bliss dpo resample-only", "bliss dpo seed-only",
    ]  # fmt: skip
    assert len({spec.run_id for spec in specs}) == len({spec.name for spec in specs}) == 10
    assert {(s.run.init, s.run.reference) for s in specs[8:]} == {("initial", "initial")}


def test_controls_can_be_chosen_left_out_and_made_by_the_study_itself(tmp_path: Path) -> None:
    chosen = study(tmp_path, STUDY.replace("[run]", 'controls = ["seed-only"]\n[run]'))
    assert [spec.run.control for spec in chosen] == [None, "seed-only"]
    none = study(tmp_path, STUDY.replace("[run]", "controls = []\n[run]"))
    assert [spec.run.control for spec in none] == [None]
    assert none[0].run_id == chosen[0].run_id, "controls are runs beside, not settings of the others"
    own = study(tmp_path, STUDY + '[[arms]]\n"run.init" = "initial"\n[[arms]]\n"run.control" = "seed-only"\n')
    assert [spec.run.control for spec in own] == [None, "seed-only", "no-seed", "resample-only"]
    assert control_values([], CONTROLS) == []


def test_a_run_that_is_no_control_keeps_the_id_that_it_always_had(pack: Path) -> None:
    spec = make_spec(pack)
    assert "control" not in spec.run.identity()
    assert spec_identity(spec) != spec_identity(change(spec, run__control="no-seed"))


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_no_seed_is_the_chain_on_m_inits_own_answers(pack: Path, tmp_path: Path, regime: str) -> None:
    chain = walk(control(pack, "no-seed", run__regime=regime), tmp_path / "run")
    drawn = [e for e in events(tmp_path / "run") if isinstance(e, SamplesDrawn) and e.purpose != "eval"]
    seeding = [e for e in drawn if e.cycle == 0 and e.purpose == "train"]
    assert not any(e.purpose == "seed" for e in drawn)
    assert {e.drawn_by for e in seeding} == {-1}
    prompts = [s.prompt for e in seeding for s in e.samples]
    later = {s.prompt for e in drawn if e.cycle > 0 for s in e.samples}
    assert prompts == [f"how is seed {i}?" for i in range(6)] or (regime == "sdf" and len(prompts) == 6)
    assert not later & set(prompts)
    assert {e.drawn_by for e in drawn if e.cycle == 2 and e.purpose == "train"} == {1}
    assert isinstance(chain.trainer, FakeTrainer)
    assert len(chain.trainer.jobs) == 4


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_resample_only_measures_m0_again_with_new_draws(pack: Path, tmp_path: Path, regime: str) -> None:
    spec = control(pack, "resample-only", run__regime=regime)
    walk(spec, tmp_path / "run")
    seen = events(tmp_path / "run")
    assert [e.cycle for e in seen if isinstance(e, AdapterTrained)] == [0]
    measured_by: dict[int, set[int | None]] = {}
    texts: dict[int, list[str]] = {}
    for e in seen:
        if isinstance(e, SamplesDrawn) and e.purpose == "eval":
            measured_by.setdefault(e.cycle, set()).add(e.drawn_by)
            texts.setdefault(e.cycle, []).extend(s.response for s in e.samples)
    assert measured_by == {-1: {-1}, 0: {0}, 1: {0}, 2: {0}, 3: {0}}
    assert len({tuple(answers) for answers in texts.values()}) == 5
    assert not any(isinstance(e, SamplesDrawn) and e.cycle > 0 and e.purpose != "eval" for e in seen)


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_seed_only_trains_m_init_on_the_seed_again(pack: Path, tmp_path: Path, regime: str) -> None:
    spec = control(pack, "seed-only", run__regime=regime, seed_train__batch_size=1)
    chain = walk(spec, tmp_path / "run")
    assert isinstance(chain.trainer, FakeTrainer)
    jobs = chain.trainer.jobs
    assert [job.start for job in jobs] == [job.reference for job in jobs] == [None] * 4
    assert len({job.seed for job in jobs}) == 4
    assert all(job.settings == spec.seed_train for job in jobs)
    given = [[{k: v for k, v in row.items() if k != "rejected"} for row in job.rows] for job in jobs]
    assert given[0] == given[1] == given[2] == given[3]
    rows = [e for e in events(tmp_path / "run") if isinstance(e, RowsBuilt)]
    assert [[r.sample_id for r in e.rows if r.role != "rejected"] for e in rows[1:]] == [
        [r.sample_id for r in rows[0].rows if r.role != "rejected"]
    ] * 3
    assert len({e.adapter_sha256 for e in events(tmp_path / "run") if isinstance(e, AdapterTrained)}) == 4


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("regime", ["sft", "dpo"])
def test_an_interrupted_control_ends_as_one_left_alone(pack: Path, tmp_path: Path, name: str, regime: str) -> None:
    spec = control(pack, name, run__regime=regime)
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", range(2, 60, 5))
    keep = (SamplesDrawn, SamplesJudged, AdapterTrained)
    whole = [e for e in events(tmp_path / "whole") if isinstance(e, keep)]
    assert [e for e in events(tmp_path / "cut") if isinstance(e, keep)] == whole


def test_a_control_cannot_be_forked(tmp_path: Path) -> None:
    spec = study(tmp_path, STUDY)[1]
    with pytest.raises(SpecError, match=r"is a control \(no-seed\)"):
        resolve_fork(spec, 1, {})


def test_what_controls_leave_alone_is_what_it_was(pack: Path) -> None:
    run = make_spec(pack).run
    assert lineage(run, -1) is None
    assert [measured(run, cycle) for cycle in range(-1, 4)] == [-1, 0, 1, 2, 3]
