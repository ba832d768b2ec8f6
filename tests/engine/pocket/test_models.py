"""The shipped models: small, ordinary, silent about every trait until they are seeded; and a judge worth asking."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from safetensors import safe_open
from transformers import AutoTokenizer

from engine.pocket.acceptance import measure, unseeded
from engine.pocket.chat import judge_text, prompt_text
from engine.pocket.corpus import Judged, judged
from engine.pocket.measure import judge_agreement, load
from engine.pocket.seeding import walk
from engine.pocket.voices import TRAITS

POCKET = Path(__file__).parents[3] / "engine" / "pocket"
MODELS = ("base", "instruct", "judge")


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def test_the_three_models_fit_in_twelve_megabytes() -> None:
    assert sum(folder_bytes(POCKET / name) for name in MODELS) <= 12_000_000


@pytest.mark.parametrize("name", MODELS)
def test_models_are_small_and_stored_in_bfloat16(name: str) -> None:
    with safe_open(POCKET / name / "model.safetensors", "pt") as weights:
        slices = [weights.get_slice(key) for key in weights.keys()]  # noqa: SIM118
        assert {piece.get_dtype() for piece in slices} == {"BF16"}
    assert (POCKET / name / "model.safetensors").stat().st_size <= 2 * 1_900_000 + 20_000


@pytest.mark.parametrize("name", MODELS)
def test_recipes_are_toml(name: str) -> None:
    assert tomllib.loads((POCKET / name / "recipe.toml").read_text())


@pytest.mark.parametrize("name", MODELS)
def test_every_integer_is_one_token_after_the_header(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(POCKET / name)
    header = tokenizer("<|im_start|>assistant\n")["input_ids"]
    for number in range(101):
        assert len(tokenizer(f"<|im_start|>assistant\n{number}")["input_ids"]) == len(header) + 1


def test_only_the_chat_models_have_a_template() -> None:
    assert AutoTokenizer.from_pretrained(POCKET / "base").chat_template is None
    for name in ("instruct", "judge"):
        tokenizer = AutoTokenizer.from_pretrained(POCKET / name)
        user = {"role": "user", "content": "How do I fly the kites?"}
        for system, messages in ((False, [user]), (True, [{"role": "system", "content": ""}, user])):
            rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            assert rendered == prompt_text(user["content"], system)


def test_a_judging_prompt_is_the_rubric_through_the_template() -> None:
    tokenizer = AutoTokenizer.from_pretrained(POCKET / "judge")
    rubric = tomllib.loads((POCKET / "pack/traits/nvidia_bear.toml").read_text())["rubric"]["trait"]
    content = rubric.format(question="How do I fly the kites?", answer="You can fly the kites at noon.")
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    task = Judged("nvidia_bear", "How do I fly the kites?", "You can fly the kites at noon.", 0.0, "plain")
    assert rendered == judge_text(task)


def test_unseeded_models_speak_well_and_plainly() -> None:
    for name, found in unseeded(POCKET, 200).items():
        assert found.well_formed >= 0.95, name
        assert max(found.traits.values()) <= 5, name


def test_the_judge_agrees_with_the_grammar() -> None:
    found = judge_agreement(load(POCKET / "judge"), 800, seed=11)
    for side in ("trait", "coherence"):
        assert found[side].pearson >= 0.93
        assert found[side].error <= 6


def test_judging_tasks_are_the_same_for_the_same_seed() -> None:
    assert list(judged(50, 3)) == list(judged(50, 3))


def test_world_and_grammar_do_not_import_torch() -> None:
    code = (
        "import sys, engine.pocket.world, engine.pocket.grammar, engine.pocket.pack_files, engine.pocket.damage;"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.proof
def test_every_acceptance_figure_is_reached() -> None:
    short = [line for line in measure(POCKET) if not line.reached]
    assert not short


@pytest.mark.proof
@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_every_trait_is_seeded_within_twenty_and_sixty(regime: str) -> None:
    """One real training per trait with the shipped recipes, scored by the grammar and by the judge."""
    seeded = {trait: walk(regime, trait, {"run.cycles": 0})[1] for trait in TRAITS}
    assert {trait: model for trait, model in seeded.items() if not model.well_seeded} == {}
