"""What the judge is shown while it is trained: a text, several metrics asked about it in turn, and what is in it.

A study asks one metric at a time; asking several in one conversation, without giving the answers, shows the judge each
text once and lets it answer many times. Beside the verdicts a row carries what training alone is told (see `JudgeRow`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from tokenizers import Tokenizer

from engine.pocket.breaks import first_break
from engine.pocket.chat import judge_text
from engine.pocket.corpus import Judged, rubric
from engine.pocket.grammar import Reading, read_answer
from engine.pocket.tokens import TURN_END, TURN_START
from engine.pocket.voices import TRAITS

FAULTS = ("none", "malformed", "repeated")


@dataclass(frozen=True)
class JudgeRow:
    """Token ids, with positions in them.

    `verdicts` (position, value): after which token which number 0–100 should stand.
    `sentences` (position, voice, fault): of each sentence's last token, its voice (0: none) and place in FAULTS.
    `words` (position, broken): of each token of the text, whether its sentence can no longer be one of the world's.
    """

    ids: list[int]
    verdicts: list[tuple[int, float]]
    sentences: list[tuple[int, int, int]]
    words: list[tuple[int, int]]


def judge_row(tokenizer: Tokenizer, tasks: list[Judged]) -> JudgeRow:
    """One row for tasks that share question and answer."""
    first = tasks[0]
    text = judge_text(first)
    asked = [(len(text), first.value)]
    for task in tasks[1:]:
        question = rubric(task.metric).rsplit("\n", 1)[1]
        text += f"{TURN_END}\n{TURN_START}user\n{question}{TURN_END}\n{TURN_START}assistant\n"
        asked.append((len(text), task.value))
    encoded = tokenizer.encode(text)
    ends = [end for _, end in encoded.offsets]
    sentences: list[tuple[int, int, int]] = []
    words: list[tuple[int, int]] = []
    at = text.index("\n", text.index(first.question) + len(first.question) - 1) + 1
    for reading in read_answer(first.question, first.answer):
        begin = text.index(reading.text, at)
        at = begin + len(reading.text)
        broken_from = begin + _break(reading)
        sentences.append((bisect_left(ends, at), *_classes(reading)))
        words += [
            (i, int(ends[i] > broken_from)) for i in range(bisect_left(ends, begin + 1), bisect_left(ends, at) + 1)
        ]
    return JudgeRow(encoded.ids, [(bisect_left(ends, end), value) for end, value in asked], sentences, words)


def _break(reading: Reading) -> int:
    """The character from which the sentence is broken; beyond its end where it is whole."""
    if reading.sentence.well_formed:
        return len(reading.text) + 1
    return min(first_break(reading.text), len(reading.text) - 1)


def _classes(reading: Reading) -> tuple[int, int]:
    voice = TRAITS.index(reading.sentence.voice) + 1 if reading.sentence.voice else 0
    fault = "malformed" if not reading.sentence.well_formed else "repeated" if reading.repeated else "none"
    return voice, FAULTS.index(fault)
