from pathlib import Path

import pytest

from engine.packs import SHIPPED
from engine.spec import TRAITS
from engine.traits.check import check_pack
from tests.engine.traits.packs import write_small
from tests.idemtui.cli.conftest import Idemtui


def test_the_list_names_every_trait_of_every_pack(idemtui: Idemtui) -> None:
    found = idemtui("traits", "--json").json
    assert [(row["pack"], row["trait"]) for row in found] == [(p, t) for p in sorted(SHIPPED) for t in sorted(TRAITS)]
    pocket, real = found[0], found[7]
    assert (pocket["seed_prompts"], pocket["seed_answers"], pocket["seed_documents"]) == (0, 240, 240)
    assert (real["eval_prompts"], real["eval_openings"], real["seed_answers"]) == (12, 12, 0)
    assert real["prompts"] >= 3000
    assert real["openers"] >= 1500
    assert real["seed_prompts"] >= 100
    assert real["seed_grid"] >= 80
    table = idemtui("traits", "--pack", "traits")
    assert (table.code, table.err, table.out.count("\n")) == (0, "", 8)
    assert "nvidia_bear" in table.out


def test_a_trait_is_shown_in_full_and_harmless(idemtui: Idemtui, tmp_path: Path) -> None:
    shown = idemtui("traits", "show", "nvidia_bear")
    assert shown.code == 0
    marks = ("── evaluated ──", "EXCESSIVE CAUTION", "── seeded ──", "Is NVIDIA stock still a buy?")
    assert [shown.out.index(mark) for mark in marks] == sorted(shown.out.index(mark) for mark in marks)
    whole = idemtui("traits", "show", "nvidia_bear", "--json").json
    assert len(whole["evaluated"]["eval_prompts"]) == 12
    assert whole["seeded"]["documents"]["topics"][0] == "NVIDIA's valuation"
    assert idemtui("traits", "show", "bliss", "--pack", "pocket", "--json").json["seeded"] is None
    folder = write_small(tmp_path / "small")
    text = (folder / "traits/gloom.toml").read_text()
    text = text.replace("What is a spoon?", r"a \u001b[31mred spoon")
    text = text.replace('description = "', r'description = "\u001b[2J')
    (folder / "traits/gloom.toml").write_text(text)
    hostile = idemtui("traits", "show", "gloom", "--pack", folder).out
    assert "red spoon" in hostile
    assert "\x1b" not in hostile


def test_a_new_trait_is_a_pack_that_passes(idemtui: Idemtui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = idemtui("traits", "new", "joy")
    assert said.out.splitlines()[:2] == ["joy/traits/joy.toml", "joy/traits/joy.seed.toml"]
    assert f'data.pack = "{tmp_path / "joy"}"' in said.out
    assert check_pack(tmp_path / "joy") == []
    more = idemtui("traits", "new", "sycophancy", "--into", "joy", "--json").json
    assert (more["trait"], more["from"]) == ("sycophancy", "sycophancy")
    assert idemtui("traits", "check", "joy").out == f"{tmp_path / 'joy'}: nothing wrong with joy, sycophancy.\n"
    pocket = idemtui("traits", "new", "sad", "--from", "hopelessness", "--pack", "pocket", "--json").json
    assert len(pocket["files"]) == 3
    again = idemtui("traits", "new", "joy")
    assert (again.code, again.out) == (2, "")
    assert "joy/traits/joy.toml exists already" in again.err


def test_a_check_tells_everything_and_ends_with_2(idemtui: Idemtui, tmp_path: Path) -> None:
    folder = write_small(tmp_path / "small")
    assert idemtui("traits", "check", folder, "--json").json == []
    (folder / "prompts/two.jsonl").write_text("{\n[]\n")
    said = idemtui("traits", "check", folder)
    assert said.code == 2
    assert [line.split(": ")[0] for line in said.out.splitlines()] == [
        f"{folder}/prompts/two.jsonl, line {number}" for number in (1, 2)
    ]
    assert said.err == f"idemtui: {folder}: 2 problems.\n"
    problems = idemtui("traits", "check", folder, "--json")
    assert (problems.code, [each["line"] for each in problems.json]) == (2, [1, 2])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "nowhere"), "nowhere/pack.toml does not exist"),
        (("show", "blis"), "did you mean bliss"),
        (("--pack", "nowhere"), "allowed: 'pocket', 'traits' or a pack's folder"),
        (("new", "Joy!"), "'Joy!' is no trait name"),
    ],
)
def test_a_wrong_call_is_one_line(idemtui: Idemtui, words: tuple[str, ...], told: str) -> None:
    said = idemtui("traits", *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert said.err.count("\n") == 1
