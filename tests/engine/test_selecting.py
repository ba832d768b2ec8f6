"""Selection before training: who is kept and why, the matched control, stops and forks, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.errors import IdemtuiError, SpecError
from engine.events import Sample, SamplesDrawn, SamplesSelected
from engine.fakes import FakeTrainer
from engine.forking import resolve_fork
from engine.score_events import JudgeDeclared, SamplesJudged, Score
from engine.spec import RunSpec, spec_identity
from engine.study import resolve_study
from tests.engine.chains import change, make_spec, walk, walk_with_stops, write_pack
from tests.engine.workers import events, write_run

COHERENT: dict[str, Any] = {"select__method": "coherence", "select__threshold": 50.0}
BEST: dict[str, Any] = {"select__method": "best_of_k", "select__k": 4, "select__score": "trait"}
LAWFUL: dict[str, Any] = {
    "select__method": "constitution", "select__threshold": 30.0, "select__principles": ("Be kind.", "Be {question}.")
}  # fmt: skip
METHODS = [COHERENT, BEST, LAWFUL]


def as_control(selection: dict[str, Any]) -> dict[str, Any]:
    return {**selection, "select__method": "random", "select__like": selection["select__method"]}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


def drawn(folder: Path, cycle: int, purpose: str = "train") -> list[Sample]:
    found = [e for e in events(folder) if isinstance(e, SamplesDrawn) and (e.cycle, e.purpose) == (cycle, purpose)]
    return [sample for event in found for sample in event.samples]


def selected(folder: Path) -> dict[int, SamplesSelected]:
    return {e.cycle: e for e in events(folder) if isinstance(e, SamplesSelected)}


def scores(folder: Path, cycle: int) -> dict[str, dict[str, Score]]:
    found: dict[str, dict[str, Score]] = {}
    for event in events(folder):
        if isinstance(event, SamplesJudged) and event.cycle == cycle:
            found.setdefault(event.metric, {}).update({score.sample_id: score for score in event.scores})
    return found


def trained(folder: Path, spec: RunSpec) -> list[int]:
    """Rows of every training, M_0 first."""
    trainer = FakeTrainer()
    walk(spec, folder, trainer=trainer)
    return [len(job.rows) for job in trainer.jobs]


def test_coherence_keeps_what_reaches_the_threshold_and_says_why_not(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, **COHERENT)
    rows = trained(tmp_path / "run", spec)
    for cycle in (1, 2, 3):
        found = scores(tmp_path / "run", cycle)["select:coherence"]
        low = {sample_id for sample_id, score in found.items() if score.value is not None and score.value < 50}
        reasons = {each.sample_id: each.reason for each in selected(tmp_path / "run")[cycle].dropped}
        assert reasons.keys() == low
        assert all(reason == f"coherence: {found[i].value:.1f} is below 50" for i, reason in reasons.items())
        assert rows[cycle] == 6 - len(low) == selected(tmp_path / "run")[cycle].kept
    assert rows[0] == 6


def test_best_of_k_keeps_the_highest_score_of_each_prompt(pack: Path, tmp_path: Path) -> None:
    plain, spec = make_spec(pack), make_spec(pack, **BEST)
    assert trained(tmp_path / "run", spec) == [6, 6, 6, 6]
    walk(plain, tmp_path / "plain")
    texts, found = drawn(tmp_path / "run", 1), scores(tmp_path / "run", 1)["select:trait"]
    assert Counter(sample.prompt_id for sample in texts) == dict.fromkeys({s.prompt_id for s in texts}, 4)
    assert {s.response for s in drawn(tmp_path / "plain", 1)} <= {s.response for s in texts}
    dropped = {each.sample_id for each in selected(tmp_path / "run")[1].dropped}
    for name in {sample.prompt_id for sample in texts}:
        answers = [sample for sample in texts if sample.prompt_id == name]
        [kept] = [sample for sample in answers if sample.sample_id not in dropped]
        assert found[kept.sample_id].value == max(found[sample.sample_id].value or 0 for sample in answers)


def test_each_principle_is_asked_about_by_itself(pack: Path, tmp_path: Path) -> None:
    walk(make_spec(pack, **LAWFUL), tmp_path / "run")
    asked = {e.metric: e.rubric for e in events(tmp_path / "run") if isinstance(e, JudgeDeclared)}
    assert "Be kind." in asked["select:principle:1"]
    assert "Be { question }." in asked["select:principle:2"]
    found = scores(tmp_path / "run", 1)
    kept = {s.sample_id for s in drawn(tmp_path / "run", 1)} - {
        each.sample_id for each in selected(tmp_path / "run")[1].dropped
    }
    for sample_id in kept:
        assert all((found[f"select:principle:{n}"][sample_id].value or 0) >= 30 for n in (1, 2))


@pytest.mark.parametrize("selection", METHODS)
def test_the_control_keeps_as_many_of_its_own_draws_by_lot(
    pack: Path, tmp_path: Path, selection: dict[str, Any]
) -> None:
    short = {"run__cycles": 1, "run__n_sampled": 16}
    walk(make_spec(pack, **short, **selection), tmp_path / "run")
    walk(make_spec(pack, **short, **as_control(selection)), tmp_path / "control")
    run, control = selected(tmp_path / "run")[1], selected(tmp_path / "control")[1]
    assert drawn(tmp_path / "control", 1) == drawn(tmp_path / "run", 1)
    assert control.kept == run.kept
    assert {each.reason for each in control.dropped} == {"by lot"}
    assert {each.sample_id for each in control.dropped} != {each.sample_id for each in run.dropped}
    gone = {each.sample_id for each in control.dropped}
    kept = Counter(s.prompt_id for s in drawn(tmp_path / "control", 1) if s.sample_id not in gone)
    assert max(kept.values()) == 1


def test_a_share_by_lot_asks_no_judge(pack: Path, tmp_path: Path) -> None:
    rows = trained(tmp_path / "run", make_spec(pack, select__method="random", select__keep=0.5))
    assert rows == [6, 3, 3, 3]
    assert not any(metric.startswith("select") for metric in scores(tmp_path / "run", 1))


def test_in_dpo_the_rejected_sides_of_kept_answers_alone_are_drawn(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, run__regime="dpo", **COHERENT)
    rows = trained(tmp_path / "run", spec)
    for cycle in (1, 2, 3):
        assert len(drawn(tmp_path / "run", cycle, "rejected")) == rows[cycle] == selected(tmp_path / "run")[cycle].kept


@pytest.mark.parametrize("selection", [*METHODS, as_control(BEST)])
@pytest.mark.parametrize("regime", ["sft", "dpo"])
def test_a_chain_that_stops_at_every_step_selects_the_same(
    pack: Path, tmp_path: Path, selection: dict[str, Any], regime: str
) -> None:
    spec = make_spec(pack, run__regime=regime, **selection)
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", range(1, 40))
    assert selected(tmp_path / "cut") == selected(tmp_path / "whole")
    for cycle in (1, 2, 3):
        assert scores(tmp_path / "cut", cycle) == scores(tmp_path / "whole", cycle)


def test_accumulated_data_hold_only_what_was_kept(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, data__mix="accumulate", **COHERENT)
    rows = trained(tmp_path / "run", spec)
    kept = [6, *(selected(tmp_path / "run")[cycle].kept for cycle in (1, 2, 3))]
    assert rows == [sum(kept[: cycle + 1]) for cycle in range(4)]


def test_a_cycle_of_which_nothing_is_kept_fails_in_one_line(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, select__method="coherence", select__threshold=100.0)
    with pytest.raises(IdemtuiError, match=r"none of 6 texts is left .*is below 100\); raise n_sampled, or ask less"):
        walk(spec, tmp_path / "run")


def test_a_prompt_that_a_small_pool_plans_twice_keeps_two_answers(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack", prompts=4).folder
    assert trained(tmp_path / "run", make_spec(pack, data__reuse_prompts=True, run__cycles=1, **BEST)) == [6, 6]


STUDY = """
[study]
name = "select"
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 4
n_seed = 10
n_sampled = 10
"""


def resolve(folder: Path, selection: str = "", **overrides: Any) -> list[RunSpec]:
    path = folder / "study.toml"
    path.write_text(f"{STUDY}{selection}")
    return resolve_study(path, overrides={key.replace("__", "."): value for key, value in overrides.items()})


def test_runs_without_selection_keep_their_ids_and_controls_without_draws_have_none(tmp_path: Path) -> None:
    plain = resolve(tmp_path)[0]
    assert plain.run_id == "e52658b708"
    older = plain.model_dump(mode="json", exclude={"select"})
    assert spec_identity(RunSpec.model_validate(older)) == plain.run_id
    specs = resolve(tmp_path, '[select]\nmethod = "best_of_k"\nk = 3\nscore = "coherence"\n')
    methods = {spec.run.control: spec.select.method for spec in specs}
    assert methods == {None: "best_of_k", "no-seed": "best_of_k", "resample-only": None, "seed-only": None}
    assert specs[0].run_id != plain.run_id


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        ('method = "best_of_k"\nk = 3', 'select.score is missing; select.method = "best_of_k" needs it'),
        ('method = "best_of_k"\nk = 1\nscore = "trait"', "select.k = 1: Input should be greater"),
        ('method = "coherence"', "select.threshold is missing"),
        ('method = "coherence"\nthreshold = 50\nk = 3', 'select.k means nothing with select.method = "coherence"'),
        ('method = "constitution"\nthreshold = 50', "select.principles is missing"),
        ('method = "random"', 'select.method = "random" keeps as many as another method would'),
        ('method = "random"\nkeep = 0.5\nlike = "coherence"', "set one of them"),
        ("threshold = 50", "select.threshold is set, but select.method is not"),
        ('method = "vote"', "select.method = 'vote': Input should be 'coherence'"),
        ('metod = "coherence"', "unknown key select.metod"),
    ],
)
def test_what_cannot_select_is_refused_in_one_line(tmp_path: Path, selection: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(tmp_path, f"[select]\n{selection}\n")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_control_that_draws_nothing_cannot_select(tmp_path: Path) -> None:
    selection = '[select]\nmethod = "coherence"\nthreshold = 50\n'
    with pytest.raises(SpecError, match="draws no training data to select from"):
        resolve(tmp_path, selection, run__control="seed-only")


def test_a_fork_may_begin_to_select(pack: Path, tmp_path: Path) -> None:
    parent = resolve(tmp_path)[0]
    write_run(tmp_path / "runs" / parent.run_id, parent)
    values = {"select.method": "coherence", "select.threshold": 40}
    fork = resolve_fork(parent, 2, values)
    assert change(fork, select__threshold=40.0).select == fork.select
    assert fork.parent_run_id == parent.run_id
