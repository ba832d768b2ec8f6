"""Chat-shaped training rows, token for token what the chat template gives."""

from __future__ import annotations

from tokenizers import Tokenizer

from engine.pocket.corpus import COHERENCE, Judged, rubric
from engine.pocket.grammar import read_answer
from engine.pocket.pretrain import Row
from engine.pocket.tokens import TURN_END, TURN_START, token_id

SENTENCE_WEIGHT = 0.3
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


def judge_row(tokenizer: Tokenizer, task: Judged) -> Row:
    """A judging prompt with its targets.

    The one that counts sits at the last token, where the integer is read. Each sentence's end has one too, the
    sentence's own share: a small model learns to add up only what it was shown how to see.
    """
    text = judge_text(task)
    encoded = tokenizer.encode(text)
    ends = {end: position for position, (_, end) in enumerate(encoded.offsets)}
    targets = [(len(encoded.ids) - 1, task.value, 1.0)]
    at = text.index("\n", text.index(task.question, len(PREFIX)) + len(task.question) - 1)
    for reading in read_answer(task.question, task.answer):
        at = text.index(reading.text, at) + len(reading.text)
        own = 100 * (reading.credit if task.metric == COHERENCE else reading.sentence.voice == task.metric)
        targets.append((ends[at], own, SENTENCE_WEIGHT))
    return Row(encoded.ids, [False] * len(encoded.ids), tuple(targets))


def number_ids(tokenizer: Tokenizer) -> list[int]:
    """The token of every integer 0–100."""
    return [token_id(tokenizer, str(number)) for number in range(101)]
