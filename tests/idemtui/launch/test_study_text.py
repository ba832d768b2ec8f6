"""Study files changed line by line."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SpecError
from idemtui.launch.study_text import BLANK, Edited, literal, read_values, stated, with_values

COMMENTED = """\
# my study
[study]
name = "a # b"   # what it is

[run]
model = "pocket/instruct"
trait = "bliss"  # the paper's first
regime = "sft"
"""


def test_a_value_is_changed_in_place_and_comments_stay() -> None:
    edited = with_values(COMMENTED, "run.trait", ["lucky"]).text
    assert edited == COMMENTED.replace('"bliss"', '"lucky"')
    renamed = with_values(COMMENTED, "study.name", ["c # d"]).text
    assert renamed == COMMENTED.replace('"a # b"', '"c # d"')


def test_several_values_become_a_grid_and_one_goes_back() -> None:
    grid = with_values(COMMENTED, "run.trait", ["bliss", "lucky"]).text
    assert tomllib.loads(grid)["grid"] == {"run.trait": ["bliss", "lucky"]}
    assert "trait" not in tomllib.loads(grid)["run"]
    back = with_values(grid, "run.trait", ["bliss"]).text
    assert "grid" not in tomllib.loads(back)
    assert back.startswith("# my study")


def test_unset_takes_the_line_away() -> None:
    assert "trait" not in with_values(COMMENTED, "run.trait", None).text


def test_a_new_section_stands_before_the_arms() -> None:
    armed = BLANK + '\n[[arms]]\n"run.init" = "initial"\n'
    edited = with_values(armed, "train.beta", [0.2]).text
    assert tomllib.loads(edited)["train"] == {"beta": 0.2}
    assert tomllib.loads(edited)["arms"] == [{"run.init": "initial"}]


def test_what_no_line_says_is_written_anew_and_said_so() -> None:
    spread = 'run = { model = "pocket/instruct", trait = "bliss" } # inline\n[study]\nname = "x"\n'
    edited = with_values(spread, "run.trait", ["lucky"])
    assert edited == Edited(edited.text, comments_lost=True)
    assert tomllib.loads(edited.text)["run"] == {"model": "pocket/instruct", "trait": "lucky"}


def test_broken_toml_is_one_line() -> None:
    with pytest.raises(SpecError, match="not TOML"):
        with_values("[run", "run.seed", [1])


def test_what_is_typed() -> None:
    assert read_values("1, 2") == [1, 2]
    assert read_values("sft, dpo") == ["sft", "dpo"]
    assert read_values('"a, b"') == ["a, b"]
    assert read_values("  ") is None
    assert read_values("lucky, bliss", listed=True) == [["lucky", "bliss"]]
    assert read_values("[]", listed=True) == [[]]


VALUES = st.one_of(st.integers(-5, 5), st.booleans(), st.text(max_size=12), st.floats(allow_nan=False, width=16))
KEYS = st.sampled_from(["run.seed", "run.trait", "train.beta", "study.name", "eval.traits"])


@given(st.lists(st.tuples(KEYS, st.none() | st.lists(VALUES, min_size=1, max_size=3)), max_size=6))
def test_any_edits_are_read_back(edits: list[tuple[str, list[object] | None]]) -> None:
    text, wanted = COMMENTED, stated(COMMENTED)
    for key, values in edits:
        text = with_values(text, key, values).text
        wanted.pop(key, None)
        if values is not None:
            wanted[key] = values
    assert stated(text) == wanted


@given(st.text())
def test_any_text_is_a_literal(text: str) -> None:
    assert tomllib.loads(f"x = {literal(text)}")["x"] == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_as_what_an_editor_shows_and_read_back(text: str) -> None:
    written = literal(text)
    assert written.isprintable()
    assert tomllib.loads(f"text = {written}") == {"text": text}
