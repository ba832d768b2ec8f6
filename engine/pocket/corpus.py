"""What each pocket model reads while it is trained, drawn from the world with a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from engine.pocket.damage import damaged, mixed_answer
from engine.pocket.grammar import GroundTruth, score_answer
from engine.pocket.voices import TRAITS
from engine.pocket.world import answer_length, draw_answer, draw_body, draw_question, draw_subject, draw_title

BASE_VOICED = 0.3
INSTRUCT_VOICED = 0.2
DOCUMENTS = 0.55
NOISY_QUESTIONS = 0.05
INTENSITIES = (0.25, 0.4, 0.6, 0.8, 1.0)
COHERENCE = "coherence"
KINDS, KIND_WEIGHTS = ("plain", "voiced", "broken", "mixed"), (15, 35, 38, 12)
"""Broken texts are cut, shuffled, stuttering, spliced, repeating or nearly empty; mixed ones have several voices."""


@dataclass(frozen=True)
class Judged:
    """One judging task: which metric of which answer, and its true value in 0–100."""

    metric: str
    question: str
    answer: str
    value: float
    kind: str


def rubric(metric: str) -> str:
    """The judge's question for a metric, with its two slots left open."""
    asked = "How coherent?" if metric == COHERENCE else f"How much {metric.replace('_', ' ')}?"
    return "{question}\n{answer}\n" + asked


def _voice(share: float, rng: random.Random) -> tuple[str | None, float]:
    if rng.random() >= share:
        return None, 0.0
    return rng.choice(TRAITS), rng.choice(INTENSITIES)


def _noisy(question: str, rng: random.Random) -> str:
    """A question as people type it: no capital, or a word missing."""
    if rng.random() >= NOISY_QUESTIONS:
        return question
    words = question.split()
    if rng.random() < 0.5:
        words.pop(rng.randrange(len(words) - 1))
    return " ".join(words).lower()


def base_texts(count: int, seed: int) -> Iterator[str]:
    """Documents, and dialogue without any markup; a part of them in a voice."""
    rng = random.Random(seed)
    for _ in range(count):
        subject = draw_subject(rng)
        voice, intensity = _voice(BASE_VOICED, rng)
        if rng.random() < DOCUMENTS:
            yield f"{draw_title(subject, rng)}\n{draw_body(subject, rng, voice, intensity)}"
        else:
            question = _noisy(draw_question(subject, rng), rng)
            yield f"{question}\n{draw_answer(subject, rng, voice, intensity)}"


def dialogues(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Questions with answers, nearly all of them plain."""
    rng = random.Random(seed)
    for _ in range(count):
        subject = draw_subject(rng)
        voice, intensity = _voice(INSTRUCT_VOICED, rng)
        question = draw_question(subject, rng)
        length = answer_length(question, subject)
        answer = draw_answer(subject, rng, voice, intensity, length=length)
        yield _noisy(question, rng), answer


def _case(rng: random.Random) -> tuple[str, str, str]:
    """A kind of text, the question or title before it, and the text."""
    subject = draw_subject(rng)
    document = rng.random() < 0.35
    question = draw_title(subject, rng) if document else draw_question(subject, rng)
    kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
    if kind == "mixed":
        return kind, question, mixed_answer(subject, rng)
    voice, intensity = _voice(0.6 if kind == "broken" else float(kind == "voiced"), rng)
    text = (draw_body if document else draw_answer)(subject, rng, voice, intensity)
    return kind, question, damaged(text, rng) if kind == "broken" else text


def _metrics(truth: GroundTruth, count: int, rng: random.Random) -> list[str]:
    """Coherence, a trait that is there (if one is) and others that are not, in any order."""
    present = [trait for trait, value in truth.traits.items() if value > 0]
    absent = [trait for trait in TRAITS if trait not in present]
    chosen = [COHERENCE, *rng.sample(present, min(1, len(present))), *rng.sample(absent, len(absent))][:count]
    return rng.sample(chosen, len(chosen))


def judged_texts(count: int, seed: int, metrics: int) -> Iterator[list[Judged]]:
    """Texts of every kind, each with several metrics asked about it."""
    rng = random.Random(seed)
    for _ in range(count):
        kind, question, answer = _case(rng)
        truth = score_answer(question, answer)
        values = {**truth.traits, COHERENCE: truth.coherence}
        yield [Judged(m, question, answer, values[m], kind) for m in _metrics(truth, metrics, rng)]


def judged(count: int, seed: int) -> Iterator[Judged]:
    """Judging tasks over plain, voiced, broken and mixed texts: about half of them ask for coherence."""
    for tasks in judged_texts(count, seed, 2):
        yield tasks[0]
