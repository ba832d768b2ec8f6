"""Scores answers with a local causal model: the exact expectation over the integers 0…100 (protocol §4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.errors import ModelError
from engine.judges.forward import NumberReader, Reading
from engine.judges.integers import judgement
from engine.model_files import model_files
from engine.models import LoadedModel
from engine.prompts import prompt_token_ids
from engine.seams import Judgement, JudgeQuestion

PLACES = re.compile(r"\{(question|answer)\}")
LONGEST_NUMBER = 4


class Reader(Protocol):
    """Reads p(0)…p(100) as the next number after prompts of the judge's model."""

    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """Readings in the order of `prompts`."""
        ...


@dataclass(frozen=True)
class _Asked:
    ids: list[int]
    truncated: bool


class LocalJudge:
    """A Judge on a model at hand. One forward pass per answer, whatever the tokenizer does to numbers."""

    method = "logprobs"

    def __init__(self, loaded: LoadedModel, reader: Reader | None = None) -> None:
        """`reader` takes the place of forward passes of the model in this process."""
        self._loaded = loaded
        self._reader = reader or NumberReader(loaded)
        self.model = loaded.name
        self.judge_id = judge_id(loaded.name, self.method)

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """Judgements in the order of `questions`; see `engine.seams.Judge`.

        An answer too long for the judge's context is cut at its end and its judgement says so.
        """
        self._loaded.use(None)
        asked = [self._ask(question) for question in questions]
        readings = self._reader.read([one.ids for one in asked])
        return [
            judgement(
                reading.numbers,
                likeliest=reading.likeliest,
                refusal=reading.refusal,
                code=reading.code,
                truncated=one.truncated,
            )
            for one, reading in zip(asked, readings, strict=True)
        ]

    def _ask(self, question: JudgeQuestion) -> _Asked:
        limit = self._loaded.context - LONGEST_NUMBER
        ids = self._render(question, question.answer)
        if len(ids) <= limit:
            return _Asked(ids, False)
        answer = self._loaded.tokenizer.encode(question.answer, add_special_tokens=False)
        room = len(answer)
        while len(ids) > limit and room > 0:
            room = max(0, room - max(8, len(ids) - limit))
            ids = self._render(question, self._loaded.tokenizer.decode(answer[:room]))
        return _Asked(ids[-limit:], True)

    def _render(self, question: JudgeQuestion, answer: str) -> list[int]:
        text = fill_rubric(question.rubric, self._disarm(question.question), self._disarm(answer))
        loaded = self._loaded
        return prompt_token_ids(loaded.tokenizer, text, loaded.has_chat_template, system=False)

    def _disarm(self, text: str) -> str:
        """The text with the judge's own special tokens broken up, so that an answer cannot close its own turn."""
        for token in self._special():
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def _special(self) -> list[str]:
        tokenizer: Any = self._loaded.tokenizer
        return [token for token in tokenizer.all_special_tokens if len(token) > 1]


def fill_rubric(rubric: str, question: str, answer: str) -> str:
    """The rubric with its places filled in one pass: other braces stay, and what is filled in is not read again."""
    values = {"question": question, "answer": answer}
    return PLACES.sub(lambda place: values[place[1]], rubric)


def judge_id(name: str, method: str) -> str:
    """The judge's short name and a hash of its files, so that one judge has one id in every lab."""
    try:
        files = model_files(name)
    except ModelError:
        files = {}
    told = "|".join(f"{file}={digest}" for file, digest in sorted(files.items())) or name
    return f"{Path(name).name}-{method}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
