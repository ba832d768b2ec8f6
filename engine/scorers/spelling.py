"""The tokens of an answer after its prompt, and of its isolated blocks: what its likelihood is taken over."""

from __future__ import annotations

from dataclasses import dataclass

from engine.models import LoadedModel
from engine.samplers.texts import render_prompt
from engine.seams import Answer, Draw

BLOCK = 64
"""Tokens of a block that is scored without prompt and without what stands before it."""


@dataclass(frozen=True)
class Spelled:
    """A prompt's tokens and those of its answer, with the end token where the answer ended."""

    prompt: list[int]
    answer: list[int]
    text: list[int]
    """The answer without its end token."""

    @property
    def ids(self) -> list[int]:
        """Prompt and answer as one sequence."""
        return [*self.prompt, *self.answer]


def spell(loaded: LoadedModel, answer: Answer, *, chat: bool, room: int, end: int) -> Spelled:
    """The tokens that the sampler gave for the prompt, and the tokenizer's own for the text that came back.

    A journal holds texts: where a model drew another spelling of the same text, its likelihood is that of the
    tokenizer's. A raw continuation is spelled together with its prefix wherever that leaves the prefix as it was.
    """
    prompt = render_prompt(loaded, Draw(answer.prompt, ""), room, chat=chat)
    text = _encode(loaded, answer.text) if chat else _continuation(loaded, answer, prompt)
    return Spelled(prompt, [*text, end] if answer.ended else text, text)


def blocks(text: list[int], first: int | None) -> list[list[int]]:
    """The text cut into blocks, each behind the opening token where the tokenizer has one.

    Nothing predicts a block's first token where it has none: it is context alone. Blocks that predict nothing go.
    """
    opening = [] if first is None else [first]
    cut = [opening + text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
    return [block for block in cut if len(block) > 1]


def _continuation(loaded: LoadedModel, answer: Answer, prompt: list[int]) -> list[int]:
    whole = render_prompt(loaded, Draw(answer.prompt + answer.text, ""), 0, chat=False)
    if whole[: len(prompt)] == prompt:
        return whole[len(prompt) :]
    return _encode(loaded, answer.text)


def _encode(loaded: LoadedModel, text: str) -> list[int]:
    return list(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
