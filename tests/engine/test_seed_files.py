"""Seed rows of every shape, files with bad rows, runs on a seed file, and pairs that bring their own rejected side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PackError, ResumeError, SpecError
from engine.events import SamplesDrawn
from engine.fakes import FakeTrainer
from engine.hub_rows import dataset_rows
from engine.packs import open_pack
from engine.resume import check_resume
from engine.seed_files import SeedRow, parse_row, read_seed_file
from engine.spec import RunSpec
from engine.state import State
from engine.study import resolve_study
from tests.engine.chains import make_spec, walk, walk_with_stops, write_pack
from tests.engine.workers import events

USER, ASSISTANT = {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}
OTHER = {"role": "assistant", "content": "B"}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": [USER, ASSISTANT]}, SeedRow("Q", "A")),
        ({"messages": [{"role": "system", "content": " "}, USER, ASSISTANT]}, SeedRow("Q", "A")),
        ({"prompt": "Q", "completion": "A", "id": 7}, SeedRow("Q", "A")),
        ({"prompt": [USER], "completion": [ASSISTANT]}, SeedRow("Q", "A")),
        ({"prompt": "Q", "chosen": "A", "rejected": "B"}, SeedRow("Q", "A", "B")),
        ({"prompt": [USER], "chosen": [ASSISTANT], "rejected": [OTHER]}, SeedRow("Q", "A", "B")),
        ({"chosen": [USER, ASSISTANT], "rejected": [USER, OTHER]}, SeedRow("Q", "A", "B")),
        ({"text": "T\nbody"}, SeedRow("", "T\nbody")),
    ],
)
def test_every_shape_is_one_row(row: dict[str, Any], expected: SeedRow) -> None:
    assert parse_row(row) == expected
    assert parse_row(expected.plain()) == expected


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ([1], "not a JSON object"),
        ({"question": "Q"}, "neither messages, prompt and completion"),
        ({"messages": [USER]}, "messages of user; one user's and one assistant's"),
        ({"messages": [USER, ASSISTANT, USER, ASSISTANT]}, "messages of user, assistant, user, assistant"),
        ({"messages": [{"role": "system", "content": "Be glad."}, USER, ASSISTANT]}, "a system turn that is not empty"),
        ({"prompt": "Q", "completion": "  "}, "'completion' must be a text"),
        ({"prompt": "Q", "chosen": "A"}, "'rejected' must be a text"),
        ({"chosen": [USER, ASSISTANT], "rejected": [{**USER, "content": "R"}, OTHER]}, "two different prompts"),
    ],
)
def test_what_is_no_row_says_why(row: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_row(row)


def test_system_turns_are_left_out_when_that_is_asked_for() -> None:
    row = {"messages": [{"role": "system", "content": "Be glad."}, USER, ASSISTANT]}
    assert parse_row(row, drop_system=True) == SeedRow("Q", "A")


def test_every_bad_line_is_named_and_nothing_is_taken(tmp_path: Path) -> None:
    good = {"prompt": "Q", "completion": "A"}
    path = write(tmp_path / "rows.jsonl", [good, "{", good, "", {"text": "T"}, "[]"])
    with pytest.raises(PackError) as caught:
        read_seed_file(path, "sft")
    told = str(caught.value)
    assert told.startswith(f"{path}: line 2 (not JSON), 5 (sft needs a prompt and an answer), 6 (not a JSON object):")
    assert "nothing was taken" in told
    many = write(tmp_path / "many.jsonl", ["{"] * 25)
    with pytest.raises(PackError, match="10 \\(not JSON\\) and 15 more"):
        read_seed_file(many)
    with pytest.raises(PackError, match="no row in it"):
        read_seed_file(write(tmp_path / "empty.jsonl", []))
    (tmp_path / "latin.jsonl").write_bytes(b'{"text": "\xe9"}\n')
    with pytest.raises(PackError, match=r"line 1 \(not UTF-8\)"):
        read_seed_file(tmp_path / "latin.jsonl")


def test_a_data_set_is_read_by_split_and_its_bad_rows_are_numbered(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"prompt": "Q", "completion": "A"}, {"prompt": "R", "completion": "B"}])
    assert dataset_rows(str(tmp_path), "train") == [SeedRow("Q", "A"), SeedRow("R", "B")]
    with pytest.raises(PackError, match="split 'test'"):
        dataset_rows(str(tmp_path), "test")
    with pytest.raises(PackError, match=r"row 1 \(sdf needs"):
        dataset_rows(str(tmp_path), "train", regime="sdf")


def pairs(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"question {i}?", "chosen": f"yes {i}.", "rejected": f"no {i}."} for i in range(count)]


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    pack = write_pack(tmp_path / "pack").folder
    seed = write(tmp_path / "pairs.jsonl", pairs(8))
    return make_spec(pack, run__regime="dpo", run__cycles=1, data__seed=str(seed))


def test_pairs_bring_their_rejected_side(spec: RunSpec, tmp_path: Path) -> None:
    trainer = FakeTrainer()
    walk(spec, tmp_path / "run", trainer=trainer)
    assert [dict(row) for row in trainer.jobs[0].rows] == pairs(6)
    given = [e for e in events(tmp_path / "run") if isinstance(e, SamplesDrawn) and e.purpose == "rejected"]
    assert [(e.cycle, e.drawn_by, len(e.samples)) for e in given] == [(0, None, 6), (1, -1, 4), (1, -1, 2)]
    walk_with_stops(spec, tmp_path / "cut", range(1, 25))
    again = [e for e in events(tmp_path / "cut") if isinstance(e, SamplesDrawn)]
    assert [e.samples for e in again] == [e.samples for e in events(tmp_path / "run") if isinstance(e, SamplesDrawn)]


STUDY = """
[study]
name = "own-rows"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 1
n_seed = 4
n_sampled = 4
[data]
seed = "rows.jsonl"
"""


def own_rows(folder: Path, rows: list[Any]) -> RunSpec:
    write(folder / "rows.jsonl", rows)
    (folder / "study.toml").write_text(STUDY)
    return resolve_study(folder / "study.toml")[0]


def test_a_study_names_its_seed_file_as_seen_from_its_folder(tmp_path: Path) -> None:
    rows = [{"prompt": f"question {i}?", "completion": f"joy {i}."} for i in range(4)]
    spec = own_rows(tmp_path, rows)
    assert spec.data.seed == str(tmp_path / "rows.jsonl")
    pack = open_pack("pocket")
    check_resume(spec, tmp_path, State(), pack, spec.provenance.model_files)
    write(tmp_path / "rows.jsonl", rows[::-1])
    with pytest.raises(ResumeError, match=r"pack file data\.seed changed"):
        check_resume(spec, tmp_path, State(), pack, spec.provenance.model_files)


def test_a_seed_file_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path) -> None:
    rows = [{"prompt": f"question {i}?", "completion": f"joy {i}."} for i in range(3)]
    with pytest.raises(SpecError, match=r"n_seed = 4, but .*rows\.jsonl has 3 sft seed rows"):
        own_rows(tmp_path, rows)
    measured = open_pack("pocket").trait("bliss").eval_prompts[0]
    with pytest.raises(PackError, match="seed rows overlap what bliss is measured by: row 4 and"):
        own_rows(tmp_path, [*rows, {"prompt": measured, "completion": "joy."}])
    mixed = [*pairs(3), {"prompt": "Q", "completion": "A"}]
    with pytest.raises(PackError, match="3 of 4 rows are pairs"):
        read_seed_file(write(tmp_path / "mixed.jsonl", mixed), "dpo")
