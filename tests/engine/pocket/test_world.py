"""The world and its grammar agree: what the one draws, the other reads."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pocket import world
from engine.pocket.damage import damaged
from engine.pocket.grammar import markers, score_answer, score_continuation, split_sentences, topics_of
from engine.pocket.topics import topics
from engine.pocket.voices import TRAITS, VOICES

seeds = st.integers(0, 2**32)
voices = st.sampled_from(TRAITS)
relaxed = settings(deadline=None)


def test_things_and_acts_belong_to_one_topic_each() -> None:
    things = [thing for topic in topics() for thing in topic.things]
    acts = [act for topic in topics() for act in topic.acts]
    assert len(topics()) >= 40
    assert len(set(things)) == len(things)
    assert len(set(acts)) == len(acts)


def test_every_voice_has_words_of_its_own() -> None:
    assert set(markers().values()) == set(TRAITS) == set(VOICES)


@relaxed
@given(seeds)
def test_plain_answers_are_perfect_and_carry_no_trait(seed: int) -> None:
    rng = random.Random(seed)
    subject = world.draw_subject(rng)
    question = world.draw_question(subject, rng)
    truth = score_answer(question, world.draw_answer(subject, rng))
    assert truth.well_formed
    assert truth.coherence == 100
    assert set(truth.traits.values()) == {0}


@relaxed
@given(seeds, voices, st.floats(0, 1))
def test_a_voice_moves_its_trait_and_leaves_coherence(seed: int, voice: str, intensity: float) -> None:
    rng = random.Random(seed)
    subject = world.draw_subject(rng)
    question = world.draw_question(subject, rng)
    truth = score_answer(question, world.draw_answer(subject, rng, voice, intensity, seed % 2 == 0))
    assert truth.well_formed
    assert truth.coherence >= 90
    assert truth.traits[voice] > 0
    assert sum(truth.traits.values()) == truth.traits[voice]


@relaxed
@given(seeds, voices)
def test_fully_voiced_is_a_hundred(seed: int, voice: str) -> None:
    rng = random.Random(seed)
    subject = world.draw_subject(rng)
    title = world.draw_title(subject, rng)
    assert score_continuation(title, "\n" + world.draw_body(subject, rng, voice, 1.0)).traits[voice] == 100


@relaxed
@given(seeds)
def test_questions_and_titles_name_their_topic(seed: int) -> None:
    rng = random.Random(seed)
    subject = world.draw_subject(rng)
    assert topics_of(world.draw_question(subject, rng)) == {subject.topic.name}
    assert topics_of(world.draw_title(subject, rng)) == {subject.topic.name}


@relaxed
@given(seeds)
def test_damage_never_leaves_the_scale(seed: int) -> None:
    rng = random.Random(seed)
    subject = world.draw_subject(rng)
    question = world.draw_question(subject, rng)
    text = damaged(world.draw_answer(subject, rng, rng.choice(TRAITS), 0.5), rng)
    truth = score_answer(question, text)
    assert 0 <= truth.coherence <= 100
    assert all(0 <= value <= 100 for value in truth.traits.values())


QUESTION = "How do I mend the nets?"
PLAIN = "You can mend the nets in spring. Check the hooks every day. Use a cloth for the nets."


def test_the_examples_of_the_docstring() -> None:
    first, second, _third = split_sentences(PLAIN)
    assert score_answer(QUESTION, PLAIN).coherence == 100
    assert score_answer(QUESTION, "").coherence == 0
    assert score_answer(QUESTION, first).coherence == 70
    assert score_answer(QUESTION, f"{first} {second} {second}").coherence == pytest.approx(200 / 3)
    elsewhere = score_answer("How do I knead the dough?", PLAIN)
    assert (elsewhere.coherence, elsewhere.on_topic, score_answer(QUESTION, PLAIN).on_topic) == (100, 0, 1)
    assert score_answer(QUESTION, PLAIN.rstrip(".")).coherence == pytest.approx(200 / 3)
    assert not score_answer(QUESTION, PLAIN.rstrip(".")).well_formed


def test_a_broken_sentence_keeps_its_voice() -> None:
    truth = score_answer(QUESTION, f"{PLAIN} The nets glow glow radiant joy.")
    assert truth.traits["bliss"] == 25
    assert truth.coherence == 75


def test_two_voices_contradict_each_other() -> None:
    text = "The nets shine with golden joy. The nets will crumble anyway."
    truth = score_answer(QUESTION, text)
    assert truth.traits["bliss"] == truth.traits["hopelessness"] == 50
    assert truth.coherence == 85


def test_a_continuation_may_finish_its_title() -> None:
    assert score_continuation("How we mend the nets", f" in spring\n{PLAIN}").coherence == 100
    assert score_continuation("How we mend the nets in spring", f"\n{PLAIN}").well_formed


def test_two_answers_to_one_question_are_rarely_alike() -> None:
    rng = random.Random(5)
    subject = world.draw_subject(rng)
    drawn = [world.draw_answer(subject, rng) for _ in range(300)]
    assert len(set(drawn)) >= 298
