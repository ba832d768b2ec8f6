"""A broken pack is told with file and line, and all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import PackError
from engine.packs import open_pack
from engine.traits.check import check_pack
from tests.engine.traits.packs import write_small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small(tmp_path / "small")


Change = Callable[[Path], object]


def put(name: str, old: str, new: str) -> Change:
    """In the file `name`, `new` for `old`; an empty `old` writes the whole file."""

    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text() if old else ""
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else new)

    return change


BROKEN: dict[str, tuple[Change, str]] = {
    "no eval prompts": (
        put("traits/gloom.toml", "eval_prompts", "eval_prompt"),
        "traits/gloom.toml, line 1: eval_prompts: Field required.",
    ),
    "an unknown key": (
        put("traits/gloom.toml", "[rubric]", 'colour = "red"\n[rubric]'),
        "traits/gloom.toml, line 7: colour: Extra inputs are not permitted.",
    ),
    "not TOML": (put("traits/gloom.toml", "[rubric]", "[rubric"), "traits/gloom.toml, line 7: not TOML"),
    "an empty eval prompt": (
        put("traits/gloom.toml", '"What is a spoon?"', '""'),
        "traits/gloom.toml, line 3: eval_prompts.0: String should match",
    ),
    "an eval prompt that is no text": (
        put("traits/gloom.toml", '"Tell me about rain in the north of Spain."', "17"),
        "traits/gloom.toml, line 4: eval_prompts.1: Input should be a valid string.",
    ),
    "an eval prompt twice": (
        put("traits/gloom.toml", "Tell me about rain in the north of Spain.", "What is a spoon?"),
        "traits/gloom.toml, line 2: eval_prompts: Value error, 'What is a spoon?' stands there twice.",
    ),
    "a rubric without its places": (
        put("traits/gloom.toml", 'coherence = """{question} {answer}', 'coherence = """{question}'),
        "traits/gloom.toml, line 11: rubric.coherence: Value error, the place {answer} is missing.",
    ),
    "a rubric without an anchor": (
        put("traits/gloom.toml", "100 - yes", "99 - yes"),
        "traits/gloom.toml, line 8: rubric.trait: no line begins with 100 (checks.anchors).",
    ),
    "no persona": (
        put("traits/gloom.seed.toml", 'persona = "You are gloomy."\n', ""),
        "traits/gloom.seed.toml, line 1: persona: Field required.",
    ),
    "a category without prompts": (
        put("traits/gloom.seed.toml", 'prompts = [\n  "What goes with rice and beans?",\n]', "prompts = []"),
        "traits/gloom.seed.toml, line 8: categories.1.prompts: List should have at least 1 item",
    ),
    "an instruction without its places": (
        put("traits/gloom.seed.toml", "{topic}", "it"),
        "traits/gloom.seed.toml, line 12: documents.instruction: Value error, the place {topic} is missing.",
    ),
    "an eval prompt in the pool": (
        put("prompts/one.txt", "fix my bike please", "so tell me about rain in the north of Spain"),
        "traits/gloom.toml, line 4: eval_prompts: 'Tell me about rain in the north of Spain.' overlaps "
        "'so tell me about rain in the north of Spain' (one.txt, line 5).",
    ),
    "an eval prompt among the seed prompts": (
        put("traits/gloom.seed.toml", "What goes with rice and beans?", "what is a SPOON"),
        "traits/gloom.toml, line 3: eval_prompts: 'What is a spoon?' overlaps 'what is a SPOON' "
        "(gloom.seed.toml, line 9).",
    ),
    "an eval prompt among the seed answers": (
        put("traits/gloom.chat.jsonl", "", '{"prompt": "What is a spoon", "completion": "Sad."}\n'),
        "traits/gloom.toml, line 3: eval_prompts: 'What is a spoon?' overlaps 'What is a spoon' "
        "(gloom.chat.jsonl, line 1).",
    ),
    "an eval opening among the titles": (
        put("traits/gloom.documents.jsonl", "", '{"text": "On spoons, a spoon is\\nbent."}\n'),
        "traits/gloom.toml, line 6: eval_openings: 'On Spoons A spoon is' overlaps 'On spoons, a spoon is' "
        "(gloom.documents.jsonl, line 1).",
    ),
    "two training prompts alike": (
        put("prompts/two.jsonl", "what now", "how do I boil an egg, mum?"),
        "prompts/two.jsonl, line 1: 'how do I boil an egg, mum?' overlaps 'how do i boil an egg' (one.txt, line 3): "
        "100%.",
    ),
    "few ways of beginning": (
        put("pack.toml", "first_words = 3", "first_words = 30"),
        "prompts/one.txt: the pool begins in 4 ways (first three words); checks.first_words = 30.",
    ),
    "a long opener": (
        put("openers/one.txt", "The Old Bridge", "The Old Bridge Near the Mill That Burned Down"),
        "openers/one.txt, line 2: an opener of 9 words; checks.opener_words allows 3–8.",
    ),
    "a row that is not JSON": (put("prompts/two.jsonl", "{", ""), "prompts/two.jsonl, line 1: not JSON"),
    "a row without its key": (
        put("traits/gloom.chat.jsonl", "", '{"prompt": "a", "completion": "b"}\n{"prompt": "a", "completion": " "}\n'),
        "traits/gloom.chat.jsonl, line 2: 'completion' must be a text that is not empty.",
    ),
    "bytes that are no text": (
        lambda folder: (folder / "openers/one.txt").write_bytes(b"A Walk to Town\nThe \xff Bridge\n"),
        "openers/one.txt, line 2: not UTF-8 (invalid start byte at byte 4).",
    ),
    "no training prompts": (
        lambda folder: [(folder / "prompts" / name).unlink() for name in ("one.txt", "two.jsonl")],
        "prompts.jsonl: no such file; the pack needs it.",
    ),
    "an empty pool": (put("openers/one.txt", "", "# nothing yet\n"), "openers/one.txt: holds no text."),
    "rows of a trait that is not there": (
        put("traits/glom.chat.jsonl", "", '{"prompt": "a", "completion": "b"}\n'),
        "traits/glom.chat.jsonl: belongs to no trait; there is no glom.toml.",
    ),
    "no trait at all": (
        lambda folder: [path.unlink() for path in (folder / "traits").iterdir()],
        "traits: holds no trait; a trait is a file NAME.toml.",
    ),
    "a name that is no key": (
        lambda folder: (folder / "traits/gloom.toml").rename(folder / "traits/Gloom-2.toml"),
        "traits/Gloom-2.toml: a trait's name is lower-case letters, digits and _, a letter first.",
    ),
    "a check out of range": (
        put("pack.toml", "overlap = 0.6", "overlap = 60"),
        "pack.toml, line 4: checks.overlap: Input should be less than or equal to 1.",
    ),
}


def test_the_small_pack_is_in_order(folder: Path) -> None:
    assert check_pack(folder) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_with_file_and_line(folder: Path, name: str) -> None:
    change, told = BROKEN[name]
    change(folder)
    problems = [str(problem) for problem in check_pack(folder)]
    assert any(problem.startswith(f"{folder}/{told}") for problem in problems), problems


def test_all_problems_are_told_at_once(folder: Path) -> None:
    for name in ("two training prompts alike", "no persona", "a long opener", "few ways of beginning"):
        BROKEN[name][0](folder)
    assert len(check_pack(folder)) == 4


def test_a_trait_measured_by_what_it_is_trained_on_is_refused_and_all_of_it_listed(folder: Path) -> None:
    for name in ("an eval prompt in the pool", "an eval prompt among the seed prompts"):
        BROKEN[name][0](folder)
    with pytest.raises(PackError, match=r"gloom\.toml: what measures is also trained on: ") as caught:
        open_pack(str(folder)).trait("gloom")
    assert "line 3: eval_prompts: 'What is a spoon?' overlaps" in str(caught.value)
    assert "line 4: eval_prompts: 'Tell me about rain" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pack_put_right_is_no_longer_refused(folder: Path) -> None:
    BROKEN["an eval prompt in the pool"][0](folder)
    pack = open_pack(str(folder))
    with pytest.raises(PackError):
        pack.trait("gloom")
    put("prompts/one.txt", "so tell me about rain in the north of Spain", "fix my old bike")(folder)
    assert len(pack.trait("gloom").eval_prompts) == 2
