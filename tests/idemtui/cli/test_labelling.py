"""Labels and marks from the command line, through a server that writes them down."""

from __future__ import annotations

import io
import json

import pytest

from engine.errors import UsageError
from idemtui.labelling import points
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.store.journals import DEMO, chain_spec

SFT = chain_spec(DEMO[0]).run_id


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> object:
    return lambda *words: monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{word}\n" for word in words)))


def notes_of(server: ContractServer) -> list[dict[str, object]]:
    path = server.lab.notes
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_answers_are_labelled_blind_and_the_judge_is_compared(
    there: Idemtui, agreed: ContractServer, typed: object
) -> None:
    typed("3", "60", "s", "=3", "u", "maybe", "0", "q")  # type: ignore[operator]
    before = len(notes_of(agreed))
    said = there("label", SFT, "--author", "ann", "--seed", "7", "--json")
    assert said.code == 0
    assert said.json["labelled"] == 3
    assert said.json["n"] == 3
    assert said.json["mean_difference"] is not None
    assert "score" not in said.err.lower().replace("scored", "")
    assert "'maybe' is no label" in said.err
    values = [note.get("value") for note in notes_of(agreed)[before:]]
    assert values == [75, 60, 3, None, 0]
    typed("q")  # type: ignore[operator]
    again = there("label", SFT, "--author", "ann", "--seed", "7")
    assert "── 1 of 50, 0 labelled" in again.err
    assert again.out.startswith("0 labelled. 3 labels: Pearson ")


def test_the_order_is_the_seeds_alone(there: Idemtui, typed: object) -> None:
    shown = []
    for seed in ("1", "1", "2"):
        typed("s", "s", "q")  # type: ignore[operator]
        shown.append(there("label", "sdf-reset", "--author", "bob", "--seed", seed).err)
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--metric", "blis"), "no such metric"), (("--cycle", "99"), "there are -1, 0, 1, 2, 3, 4, 5, 6")],
)
def test_what_nobody_can_label_is_said_at_once(there: Idemtui, words: tuple[str, ...], told: str) -> None:
    said = there("label", SFT, *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert said.err.count("\n") == 1


def test_marks_and_remarks_are_listed_and_taken_back(there: Idemtui) -> None:
    sample = there("samples", SFT, "--purpose", "eval", "--limit", "1", "--json").json[0]["sample_id"]
    assert there("mark", sample, "odd", "--note", "reads like \x1b[31ma prayer", "--author", "ann").code == 0
    found = there("marks", SFT, "--json").json
    assert {(one["kind"], one["what"]) for one in found if one["sample_id"] == sample} >= {
        ("mark", "odd"),
        ("note", "note"),
    }
    out = there("marks", "--mark", "odd").out
    assert sample in out
    assert "\x1b" not in there("marks", SFT).out
    assert there("mark", sample, "odd", "--note", "", "--remove", "--author", "ann", "--json").json["written"] == 2
    assert there("marks", "--mark", "odd").out == "no sample is marked 'odd'\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mark", "nothere", "odd"), "no sample 'nothere'"),
        (("mark", "nothere"), "nothing to say"),
        (("label", "nothere"), "no run 'nothere'"),
    ],
)
def test_what_is_not_there_is_one_line(there: Idemtui, words: tuple[str, ...], told: str) -> None:
    said = there(*words)
    assert said.code == 2
    assert told in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("typed", "value"), [("0", 0), ("3", 75), ("4", 100), ("5", 5), ("100", 100), ("=3", 3)])
def test_anchors_and_points(typed: str, value: int) -> None:
    assert points(typed) == value


@pytest.mark.parametrize("typed", ["", "101", "-1", "3.5", "=", "²"])
def test_what_is_no_label_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="is no label"):
        points(typed)
