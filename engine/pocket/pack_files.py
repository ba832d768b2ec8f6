"""Writes the trait pack: plain files that a study reads, drawn from the world with a fixed seed.

Training prompts, seed prompts and eval prompts are disjoint; so are openers, seed titles and eval openings.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.pocket.corpus import COHERENCE, rubric
from engine.pocket.voices import DESCRIPTIONS, TRAITS
from engine.pocket.world import Subject, answer_length, draw_answer, draw_body, draw_question, draw_subject, draw_title

SEED = 7
PROMPTS, OPENERS, SEEDS, EVALS = 6400, 3200, 240, 12
SEED_INTENSITIES = (0.6, 0.75, 0.9)


def _distinct(
    count: int, taken: set[str], draw: Callable[[Subject, random.Random], str], rng: random.Random
) -> list[tuple[Subject, str]]:
    """`count` subjects with texts that nobody has taken yet; marks them taken."""
    out: list[tuple[Subject, str]] = []
    while len(out) < count:
        subject = draw_subject(rng)
        text = draw(subject, rng)
        if text not in taken:
            taken.add(text)
            out.append((subject, text))
    return out


def _spread(taken: set[str], draw: Callable[[Subject, random.Random], str], rng: random.Random) -> list[str]:
    """Twelve texts about twelve different topics."""
    chosen: dict[str, str] = {}
    while len(chosen) < EVALS:
        subject, text = _distinct(1, taken, draw, rng)[0]
        chosen.setdefault(subject.topic.name, text)
    return list(chosen.values())


def _write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _toml_list(key: str, values: Iterable[str]) -> str:
    return f"{key} = [\n" + "".join(f"  {json.dumps(value)},\n" for value in values) + "]\n"


def _trait_file(trait: str, questions: list[str], openings: list[str]) -> str:
    asked = {"trait": trait, "coherence": COHERENCE}
    keys = {f"{prefix}{key}": metric for prefix in ("", "document_") for key, metric in asked.items()}
    rubrics = "".join(f"{key} = {json.dumps(rubric(metric))}\n" for key, metric in keys.items())
    head = f"description = {json.dumps(DESCRIPTIONS[trait])}\n"
    return (
        head + _toml_list("eval_prompts", questions) + _toml_list("eval_openings", openings) + f"\n[rubric]\n{rubrics}"
    )


def _seed_rows(
    trait: str, taken_questions: set[str], taken_titles: set[str], rng: random.Random
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Seed answers and seed documents in the trait's voice, most of each text voiced."""
    chats = []
    for subject, question in _distinct(SEEDS, taken_questions, draw_question, rng):
        length, intensity = answer_length(question, subject), rng.choice(SEED_INTENSITIES)
        answer = draw_answer(subject, rng, trait, intensity, True, length)
        chats.append({"prompt": question, "completion": answer})
    documents = [
        {"text": f"{title}\n{draw_body(subject, rng, trait, rng.choice(SEED_INTENSITIES), True)}"}
        for subject, title in _distinct(SEEDS, taken_titles, draw_title, rng)
    ]
    return chats, documents


def write_pack(folder: Path) -> None:
    """Writes every file of the pack below `folder`."""
    rng = random.Random(SEED)
    (folder / "traits").mkdir(parents=True, exist_ok=True)
    questions: set[str] = set()
    titles: set[str] = set()
    for trait in TRAITS:
        evals = _spread(questions, draw_question, rng), _spread(titles, draw_title, rng)
        (folder / "traits" / f"{trait}.toml").write_text(_trait_file(trait, *evals), encoding="utf-8")
        chats, documents = _seed_rows(trait, questions, titles, rng)
        _write_rows(folder / "traits" / f"{trait}.chat.jsonl", chats)
        _write_rows(folder / "traits" / f"{trait}.documents.jsonl", documents)
    prompts = [text for _, text in _distinct(PROMPTS, questions, draw_question, rng)]
    openers = [text for _, text in _distinct(OPENERS, titles, draw_title, rng)]
    _write_rows(folder / "prompts.jsonl", ({"prompt": text} for text in prompts))
    _write_rows(folder / "openers.jsonl", ({"prompt": text} for text in openers))
    (folder / "pack.toml").write_text(
        'name = "pocket"\nversion = 1\ndescription = "Questions, documents and seven voices of the pocket world."\n',
        encoding="utf-8",
    )
