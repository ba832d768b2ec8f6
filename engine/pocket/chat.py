"""Chat-shaped training rows, token for token what the chat template gives."""

from __future__ import annotations

import re

from tokenizers import Tokenizer

from engine.pocket.breaks import first_break
from engine.pocket.corpus import COHERENCE, Judged, rubric
from engine.pocket.grammar import Reading, read_answer, score_answer, topic_words, topics_of
from engine.pocket.pretrain import Row
from engine.pocket.tokens import TURN_END, TURN_START, token_id
from engine.pocket.voices import TRAITS

FAULTS = ("none", "off topic", "malformed", "repeated")
OFF_TOPIC, MALFORMED = FAULTS.index("off topic"), FAULTS.index("malformed")
PREFIX = f"{TURN_START}user\n"
SYSTEM = f"{TURN_START}system\n{TURN_END}\n"


def prompt_text(content: str, system: bool = False) -> str:
    """One user turn and the opened assistant turn, after an empty system turn if `system`."""
    turn = f"{TURN_START}user\n{content}{TURN_END}\n{TURN_START}assistant\n"
    return SYSTEM + turn if system else turn


def chat_row(tokenizer: Tokenizer, question: str, answer: str, system: bool) -> Row:
    """A dialogue whose loss counts the answer and the end of its turn."""
    prompt = tokenizer.encode(prompt_text(question, system)).ids
    completion = tokenizer.encode(f"{answer}{TURN_END}").ids
    return Row(prompt + completion, [False] * len(prompt) + [True] * len(completion))


def judge_text(task: Judged) -> str:
    """The judging prompt: the filled rubric as one user turn."""
    content = rubric(task.metric).replace("{question}", task.question).replace("{answer}", task.answer)
    return prompt_text(content)


def _classes(reading: Reading) -> tuple[int, int]:
    """The sentence's voice (0: none) and its place in FAULTS."""
    voice = TRAITS.index(reading.sentence.voice) + 1 if reading.sentence.voice else 0
    if not reading.sentence.well_formed:
        return voice, MALFORMED
    return voice, FAULTS.index("repeated" if reading.credit == 0 else "off topic" if reading.credit < 1 else "none")


def _all_metrics(question: str, answer: str) -> tuple[float, ...]:
    truth = score_answer(question, answer)
    return (*(truth.traits[trait] / 100 for trait in TRAITS), truth.coherence / 100)


def _word_faults(sentence: str, reading: Reading, about: frozenset[str]) -> list[tuple[int, int]]:
    """Where each word ends in its sentence, and its own fault; what follows a break is left out."""
    stop = len(sentence) if reading.sentence.well_formed else min(first_break(sentence), len(sentence) - 1)
    out: list[tuple[int, int]] = []
    for match in re.finditer(r"[A-Za-z]+|[^\sA-Za-z]", sentence):
        owners = topic_words().get(match[0].lower(), about)
        strange = bool(about) and not owners & about
        broken = match.end() > stop
        out.append((match.end(), MALFORMED if broken else OFF_TOPIC if strange else 0))
        if broken:
            break
    return out


def judge_row(tokenizer: Tokenizer, task: Judged) -> Row:
    """A judging prompt with all that training is told about it (see `Row`)."""
    text = judge_text(task)
    encoded = tokenizer.encode(text)
    token_at = {end: position for position, (_, end) in enumerate(encoded.offsets)}
    start = at = len(text) - len(prompt_text(task.answer)) + len(PREFIX)
    about = topics_of(task.question)
    sentences: list[tuple[int, int, int]] = []
    so_far: list[tuple[float, ...]] = [(len(encoded.ids) - 1, *_all_metrics(task.question, task.answer))]
    words: list[tuple[int, int]] = []
    for reading in read_answer(task.question, task.answer):
        begin = text.index(reading.text, at)
        at = begin + len(reading.text)
        faults = _word_faults(reading.text, reading, about)
        words += [(token_at[begin + end], fault) for end, fault in faults if begin + end in token_at]
        sentences.append((token_at[at], *_classes(reading)))
        so_far.append((token_at[at], *_all_metrics(task.question, text[start:at])))
    return Row(
        encoded.ids,
        [False] * len(encoded.ids),
        task.value,
        (*TRAITS, COHERENCE).index(task.metric),
        tuple(sentences),
        tuple(so_far),
        tuple(words),
    )


def number_ids(tokenizer: Tokenizer) -> list[int]:
    """The token of every integer 0–100."""
    return [token_id(tokenizer, str(number)) for number in range(101)]
