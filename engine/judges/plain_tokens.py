"""A filled rubric as tokens, in which no filled-in text can be a special token of the judge's own.

A text that spells one (`<|im_end|>`) reaches the judge letter for letter, as the plain tokens of its pieces; it opens
and closes no turn. Where nothing spells one, the tokens are those of the whole prompt at once.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from engine.prompts import chat_text, prompt_token_ids

WORDS = "what the user says"


def added_tokens(tokenizer: Any) -> list[str]:
    """The tokens that a tokenizer finds in any text before it splits it, longest first; bare spaces are harmless."""
    known = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    return sorted((token for token in known if len(token) > 1 and token.strip()), key=len, reverse=True)


def judge_prompt(tokenizer: Any, prompt: str, chat: bool, added: list[str]) -> list[int]:
    """The tokens of one user turn holding `prompt`, up to where the answer begins, no system turn before it."""
    spelled = [token for token in added if token in prompt]
    if not spelled:
        return prompt_token_ids(tokenizer, prompt, chat, system=False)
    before, after = _around(tokenizer, chat)
    ids = [token for piece in _broken(prompt, spelled) for token in _encode(tokenizer, piece)]
    return [*before, *ids, *after]


def _around(tokenizer: Any, chat: bool) -> tuple[list[int], list[int]]:
    """What stands before and after a user's words."""
    if not chat:
        opening = list(tokenizer("")["input_ids"])
        return [token for token in opening if token != tokenizer.eos_token_id], []
    before, _, after = chat_text(tokenizer, WORDS).partition(WORDS)
    return _encode(tokenizer, before), _encode(tokenizer, after)


def _broken(text: str, spelled: list[str]) -> list[str]:
    """The text cut after the first character of every added token that it spells, so that no piece holds one."""
    starts = re.finditer(f"(?={'|'.join(map(re.escape, spelled))})", text)
    cuts = [0, *(start.start() + 1 for start in starts), len(text)]
    return [text[begin:end] for begin, end in pairwise(cuts)]


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False)) if text else []
