"""The form of a study: meanings, values with their origins, errors at their field, a study from a run."""

from __future__ import annotations

import ast

import pytest

from engine.frozen import Frozen
from engine.study import resolve_study
from engine.study_file import SECTIONS
from idemtui.cli.studies import DEMO
from idemtui.launch.from_run import text_of
from idemtui.launch.resolution import Line, resolve_text
from idemtui.launch.settings import _own, meanings, paper_value
from idemtui.launch.study_text import BLANK, with_values


def line(text: str, key: str) -> Line:
    return next(line for line in resolve_text(text).lines if line.meaning.key == key)


def test_every_setting_has_a_sentence_and_what_it_may_be() -> None:
    for section, model in SECTIONS.items():
        for name in model.model_fields:
            meaning = meanings()[f"{section}.{name}"]
            assert meaning.sentence.endswith("."), meaning.key
            assert meaning.allowed, meaning.key


def test_values_come_with_their_origin() -> None:
    assert (line(BLANK, "run.regime").value, line(BLANK, "run.regime").origin) == ("sft", "study")
    n_seed = line(BLANK, "run.n_seed")
    assert (n_seed.value, n_seed.origin, n_seed.recipe, n_seed.paper) == ("50", "recipe", "50", "60")
    assert line(BLANK, "run.init").origin == "default"
    assert paper_value("seed_train.learning_rate", "dpo") == 1e-5


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("run.n_seed", 4000, "allowed: 1…240"),
        ("run.regime", "rl", "allowed: sft, sdf, dpo"),
        ("run.model", "pocket/none", "allowed are pocket/base"),
        ("run.trait", "blis", "did you mean bliss"),
        ("train.beta", -1, "train.beta = -1"),
        ("study.replicates", 0, "allowed: a whole number from 1"),
        ("run.reference", "initial", 'needs run.regime = "dpo"'),
    ],
)
def test_an_error_stands_at_its_setting(key: str, value: object, said: str) -> None:
    found = resolve_text(with_values(BLANK, key, [value]).text)
    assert (found.specs, found.wrong_key) == ((), key)
    assert said in found.error
    assert "\n" not in found.error
    assert [one.meaning.key for one in found.lines if one.wrong] == [key]


@pytest.mark.parametrize(
    "wrong", ["grid = 1", '[grid]\n"run.seed" = 3', '[grid]\n"run.seed" = "ab"', "run = 3", "[[run]]"]
)
def test_a_file_of_another_shape_is_one_line_and_still_a_form(wrong: str) -> None:
    found = resolve_text(wrong)
    assert found.error
    assert "\n" not in found.error
    assert len(found.lines) == len(meanings())


def test_several_values_are_a_grid() -> None:
    found = resolve_text(with_values(BLANK, "run.seed", [1, 2, 3]).text)
    assert [spec.run.seed for spec in found.specs if spec.run.control is None] == [1, 2, 3]


def test_broken_toml_leaves_the_form() -> None:
    found = resolve_text("[run")
    assert "not TOML" in found.error
    assert len(found.lines) == len(meanings())


def test_a_study_from_a_run_gives_the_same_run_under_its_own_name() -> None:
    for spec in resolve_study(DEMO):
        again = resolve_text(text_of(spec)).specs[0]
        assert again.run == spec.run
        assert (again.train, again.sample, again.eval, again.judge) == (spec.train, spec.sample, spec.eval, spec.judge)
        assert again.study == f"{spec.study}-next"


def test_a_library_that_parses_in_its_own_thread_does_not_end_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def parse(source: str) -> ast.Module:
        tried.append(source)
        if len(tried) == 1:
            raise SystemError("AST constructor recursion depth mismatch (before=51, after=185)")
        return whole(source)

    whole = ast.parse
    monkeypatch.setattr("idemtui.launch.settings.ast.parse", parse)
    monkeypatch.setattr(
        "idemtui.launch.settings.inspect.getsource", lambda _: "class One:\n    a: int\n    'It is one.'"
    )

    class One(Frozen):
        a: int = 1

    assert _own(One) == {"a": "It is one."}
    assert len(tried) == 2
