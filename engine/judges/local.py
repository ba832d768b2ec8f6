"""Scores answers with a local causal model: the exact expectation over the integers 0…100 (protocol §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.judges.fence import fill_rubric
from engine.judges.forward import NumberReader, Reading
from engine.judges.identity import local_judge_id
from engine.judges.integers import judgement
from engine.judges.plain_tokens import added_tokens, judge_prompt
from engine.models import LoadedModel
from engine.seams import Judgement, JudgeQuestion

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
        self.judge_id = local_judge_id(loaded.name, self.method)
        self._added = added_tokens(loaded.tokenizer)

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
        text = fill_rubric(question.rubric, question.question, answer)
        return judge_prompt(self._loaded.tokenizer, text, self._loaded.has_chat_template, self._added)
