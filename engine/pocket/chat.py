"""Chat-shaped training rows, token for token what the chat template gives."""

from __future__ import annotations

from tokenizers import Tokenizer

from engine.pocket.corpus import Judged, rubric
from engine.pocket.pretrain import Row
from engine.pocket.tokens import TURN_END, TURN_START, token_id

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


def number_ids(tokenizer: Tokenizer) -> list[int]:
    """The token of every integer 0–100."""
    return [token_id(tokenizer, str(number)) for number in range(101)]
