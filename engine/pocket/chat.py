"""Chat-shaped training rows, token for token what the chat template gives."""

from __future__ import annotations

from tokenizers import Tokenizer

from engine.pocket.breaks import first_break
from engine.pocket.corpus import Judged, rubric, true_value
from engine.pocket.grammar import Reading, read_answer, score_answer
from engine.pocket.pretrain import Row
from engine.pocket.tokens import TURN_END, TURN_START, token_id
from engine.pocket.voices import TRAITS

FAULTS = ("none", "off topic", "malformed", "repeated")
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
        return voice, FAULTS.index("malformed")
    return voice, FAULTS.index("repeated" if reading.credit == 0 else "off topic" if reading.credit < 1 else "none")


def judge_row(tokenizer: Tokenizer, task: Judged) -> Row:
    """A judging prompt with all that training is told about it (see `Row`)."""
    text = judge_text(task)
    encoded = tokenizer.encode(text)
    start = at = len(text) - len(prompt_text(task.answer)) + len(PREFIX)
    sentences: list[tuple[int, int, int, float]] = []
    broken: list[tuple[int, bool]] = []
    for reading in read_answer(task.question, task.answer):
        begin = text.index(reading.text, at)
        at = begin + len(reading.text)
        fails = at + 1 if reading.sentence.well_formed else begin + min(first_break(reading.text), at - begin - 1)
        inside = [i for i, (left, right) in enumerate(encoded.offsets) if begin <= left + 1 and right <= at]
        broken += [(i, encoded.offsets[i][1] > fails) for i in inside if encoded.offsets[i][1] > begin]
        so_far = true_value(task.metric, score_answer(task.question, text[start:at]))
        sentences.append((inside[-1], *_classes(reading), so_far))
    return Row(encoded.ids, [False] * len(encoded.ids), task.value, tuple(sentences), tuple(broken))


def number_ids(tokenizer: Tokenizer) -> list[int]:
    """The token of every integer 0–100."""
    return [token_id(tokenizer, str(number)) for number in range(101)]
