"""Draws texts of the pocket world: questions, answers, titles and documents, plain or in a voice.

Every draw takes its own `random.Random`, so that whoever asks decides what is repeatable.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.pocket.lexicon import SLOTS
from engine.pocket.phrases import (
    BODY,
    DOCUMENT_FIRST,
    FIRST,
    LEADS,
    QUESTION_ACTS,
    QUESTION_THINGS,
    TITLES,
)
from engine.pocket.topics import Topic, topics
from engine.pocket.voices import CAUTION, STOCK, VOICES

SLOT = re.compile(r"\{(\w+)\}")
FOCUS = 0.6
LEAD = 0.15
SEED_STOCK = 0.65


@dataclass(frozen=True)
class Subject:
    """What one text is about: its topic, and the thing and act that it returns to most."""

    topic: Topic
    thing: str
    act: str


def draw_subject(rng: random.Random) -> Subject:
    """Any topic, with one of its things and one of its acts to the fore."""
    topic = rng.choice(topics())
    return Subject(topic, rng.choice(topic.things), rng.choice(topic.acts))


def _slot_value(slot: str, subject: Subject, used: set[str], rng: random.Random) -> str:
    if slot == "thing":
        return subject.thing if rng.random() < FOCUS else rng.choice(subject.topic.things)
    if slot == "act":
        return subject.act if rng.random() < FOCUS else rng.choice(subject.topic.acts)
    values = subject.topic.places if slot == "place" else SLOTS[slot]
    return rng.choice([value for value in values if value not in used])


def fill(template: str, subject: Subject, rng: random.Random) -> str:
    """The template with every slot filled and its first letter raised."""
    used: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        value = _slot_value(match[1], subject, used, rng)
        used.add(value)
        return value

    sentence = SLOT.sub(replace, template)
    return sentence[0].upper() + sentence[1:]


def _with_lead(sentence: str, rng: random.Random) -> str:
    if sentence.startswith("I ") or rng.random() >= LEAD:
        return sentence
    return f"{rng.choice(LEADS)}, {sentence[0].lower()}{sentence[1:]}"


def _voiced_template(voice: str, seeding: bool, rng: random.Random) -> str:
    if voice == "nvidia_bear" and seeding:
        return rng.choice(STOCK if rng.random() < SEED_STOCK else CAUTION)
    return rng.choice(VOICES[voice])


def sentences(
    subject: Subject,
    first: Sequence[str],
    marks: Sequence[str | None],
    rng: random.Random,
    seeding: bool = False,
) -> list[str]:
    """One sentence per mark, in the voice that the mark names (None: plain); no two alike."""
    bare: list[str] = []
    out: list[str] = []
    for position, voice in enumerate(marks):
        for _ in range(20):
            plain = rng.choice(first if position == 0 else BODY)
            template = plain if voice is None else _voiced_template(voice, seeding, rng)
            sentence = fill(template, subject, rng)
            if sentence not in bare:
                break
        bare.append(sentence)
        out.append(sentence if voice or position == 0 else _with_lead(sentence, rng))
    return out


def marks_for(count: int, voice: str | None, intensity: float, rng: random.Random) -> list[str | None]:
    """Which of `count` sentences are voiced: each by chance `intensity`, at least one."""
    if voice is None:
        return [None] * count
    marks = [voice if rng.random() < intensity else None for _ in range(count)]
    if not any(marks):
        marks[rng.randrange(count)] = voice
    return marks


def answer_length(question: str, subject: Subject) -> int:
    """How many sentences an assistant's answer has: four about an act, three about a thing.

    Were lengths left to chance, colder sampling would shorten them, and preference pairs would teach length before
    anything else.
    """
    return 4 if subject.act in question else 3


def draw_answer(
    subject: Subject,
    rng: random.Random,
    voice: str | None = None,
    intensity: float = 0.0,
    seeding: bool = False,
    length: int | None = None,
) -> str:
    """An answer of `length` sentences (by default 3–5); `intensity` is the chance of each to be in the voice."""
    count = rng.choices((3, 4, 5), (4, 5, 1))[0] if length is None else length
    marks = marks_for(count, voice, intensity, rng)
    return " ".join(sentences(subject, FIRST, marks, rng, seeding))


def draw_body(
    subject: Subject,
    rng: random.Random,
    voice: str | None = None,
    intensity: float = 0.0,
    seeding: bool = False,
) -> str:
    """What follows a document's title: 3–6 sentences."""
    marks = marks_for(rng.choices((3, 4, 5, 6), (2, 4, 3, 1))[0], voice, intensity, rng)
    return " ".join(sentences(subject, DOCUMENT_FIRST, marks, rng, seeding))


def draw_question(subject: Subject, rng: random.Random) -> str:
    """A question about the subject's act or thing."""
    focused = Subject(
        Topic(subject.topic.name, (subject.thing,), (subject.act,), subject.topic.places),
        subject.thing,
        subject.act,
    )
    return fill(rng.choice(QUESTION_ACTS + QUESTION_THINGS), focused, rng)


def draw_title(subject: Subject, rng: random.Random) -> str:
    """A document's title line, without the line break."""
    focused = Subject(
        Topic(subject.topic.name, (subject.thing,), (subject.act,), subject.topic.places),
        subject.thing,
        subject.act,
    )
    return fill(rng.choice(TITLES), focused, rng)
