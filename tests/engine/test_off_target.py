"""Off target: one chain's answers scored by other traits' rubrics."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import IdemtuiError
from engine.events import SamplesDrawn
from engine.packs import open_pack
from engine.score_events import JudgeDeclared, SamplesJudged
from engine.spec import RunSpec, spec_identity
from engine.study import resolve_study
from tests.engine.chains import make_spec, walk, walk_with_stops, write_pack
from tests.engine.workers import events

STUDY = """
[study]
name = "off"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
[eval]
traits = TRAITS
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = write_pack(tmp_path / "pack").folder
    for ending in ("toml", "chat.jsonl", "documents.jsonl"):
        shutil.copy(folder / f"traits/bliss.{ending}", folder / f"traits/lucky.{ending}")
    path = folder / "traits/lucky.toml"
    path.write_text(path.read_text().replace("joy?", "luck?"))
    return folder


def resolve(folder: Path, traits: str) -> RunSpec:
    (folder / "study.toml").write_text(STUDY.replace("TRAITS", traits))
    return resolve_study(folder / "study.toml")[0]


@pytest.mark.parametrize("regime", ["sft", "sdf"])
def test_the_same_answers_are_asked_about_by_the_other_rubric(pack: Path, tmp_path: Path, regime: str) -> None:
    walk(make_spec(pack, run__regime=regime, eval__traits=("lucky",)), tmp_path / "run")
    walk(make_spec(pack, run__regime=regime), tmp_path / "alone")
    seen, alone = events(tmp_path / "run"), events(tmp_path / "alone")
    declared = {e.metric: e.rubric for e in seen if isinstance(e, JudgeDeclared)}
    assert sorted(declared) == ["coherence", "trait", "trait:lucky"]
    assert declared["trait:lucky"].startswith("luck?")
    answers = {s.sample_id for e in seen if isinstance(e, SamplesDrawn) and e.purpose == "eval" for s in e.samples}
    judged = {s.sample_id for e in seen if isinstance(e, SamplesJudged) and e.metric == "trait:lucky" for s in e.scores}
    assert judged == answers
    own = [e for e in seen if isinstance(e, SamplesJudged) and e.metric != "trait:lucky"]
    assert own == [e for e in alone if isinstance(e, SamplesJudged)], "nothing else moves"


def test_judged_batches_are_not_judged_again(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack, eval__traits=("lucky",))
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", range(4, 70, 7))
    whole = [e for e in events(tmp_path / "whole") if isinstance(e, SamplesJudged)]
    assert [e for e in events(tmp_path / "cut") if isinstance(e, SamplesJudged)] == whole


def test_other_rubrics_are_part_of_the_run_and_checked_when_it_goes_on(pack: Path, tmp_path: Path) -> None:
    alone, spec = resolve(tmp_path, "[]"), resolve(tmp_path, '["lucky", "sycophancy"]')
    assert spec.eval.traits == ("lucky", "sycophancy")
    assert alone.run_id != spec.run_id == spec_identity(spec)
    assert "traits/lucky.toml" in spec.provenance.pack_files
    assert "traits/lucky.chat.jsonl" not in spec.provenance.pack_files
    assert open_pack("pocket").files("bliss") == alone.provenance.pack_files


@pytest.mark.parametrize(
    ("traits", "told"),
    [
        ('["bliss"]', r"eval\.traits = \['bliss'\]; allowed: traits of the pack other than bliss"),
        ('["lucky", "lucky"]', r"each once"),
        ('["luky"]', r"trait 'luky' is not in the pack 'pocket'; did you mean lucky\?"),
        ('"lucky"', r"eval\.traits = 'lucky'"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, traits: str, told: str) -> None:
    with pytest.raises(IdemtuiError, match=told):
        resolve(tmp_path, traits)
