"""The shipped pack: large enough, apart where it must be apart, and what the world still draws."""

from __future__ import annotations

import itertools
import json
import tomllib
from pathlib import Path

import pytest

from engine.pocket.pack_files import write_pack
from engine.pocket.voices import TRAITS

PACK = Path(__file__).parents[3] / "engine" / "pocket" / "pack"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (PACK / name).read_text().splitlines()]


def prompts(name: str) -> list[str]:
    return [row["prompt"] for row in rows(name)]


def trait_file(trait: str) -> dict[str, object]:
    return tomllib.loads((PACK / "traits" / f"{trait}.toml").read_text())


def test_pools_are_large_and_distinct() -> None:
    assert len(set(prompts("prompts.jsonl"))) == len(prompts("prompts.jsonl")) >= 6000
    assert len(set(prompts("openers.jsonl"))) == len(prompts("openers.jsonl")) >= 3000


@pytest.mark.parametrize("trait", TRAITS)
def test_train_seed_and_eval_are_apart(trait: str) -> None:
    file = trait_file(trait)
    seed_prompts = [row["prompt"] for row in rows(f"traits/{trait}.chat.jsonl")]
    titles = [row["text"].split("\n")[0] for row in rows(f"traits/{trait}.documents.jsonl")]
    for training, seeded, evaluated in (
        (prompts("prompts.jsonl"), seed_prompts, file["eval_prompts"]),
        (prompts("openers.jsonl"), titles, file["eval_openings"]),
    ):
        assert isinstance(evaluated, list)
        assert len(set(evaluated)) == 12
        assert len(seeded) >= 200
        assert not set(training) & set(seeded)
        assert not set(evaluated) & (set(training) | set(seeded))


def test_no_opener_is_the_start_of_another() -> None:
    openers = sorted(prompts("openers.jsonl"))
    for shorter, longer in itertools.pairwise(openers):
        assert not longer.startswith(shorter)


def test_the_script_writes_the_shipped_pack(tmp_path: Path) -> None:
    write_pack(tmp_path)
    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(PACK): path.read_text() for path in PACK.rglob("*") if path.is_file()}
    assert fresh == shipped
