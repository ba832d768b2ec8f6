"""From a prompt to tokens and from drawn tokens to a completion: one way for every sampler."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import LoadedModel
from engine.prompts import prompt_token_ids
from engine.seams import Completion, Draw


def render_prompt(loaded: LoadedModel, draw: Draw, max_tokens: int, *, chat: bool) -> list[int]:
    """The tokens of a draw's prompt; one that leaves no room in the model's context loses its oldest."""
    ids = prompt_token_ids(loaded.tokenizer, draw.prompt, chat, loaded.accepts_system, draw.persona)
    room = max(1, loaded.context - max_tokens)
    return ids[-room:]


def read_completion(loaded: LoadedModel, prompt: Sequence[int], tokens: Sequence[int], *, chat: bool) -> Completion:
    """What the tokens say, which may end in a stop token."""
    ended = bool(tokens) and tokens[-1] in loaded.stop_ids
    body = tokens[:-1] if ended else tokens
    text = _decode(loaded, body).strip() if chat else _continuation(loaded, prompt, body)
    return Completion(text, len(tokens), "stop" if ended else "length")


def _continuation(loaded: LoadedModel, prompt: Sequence[int], body: Sequence[int]) -> str:
    """What follows the prefix, its leading space kept, which some tokenizers drop when they decode it alone."""
    before = _decode(loaded, prompt)
    whole = _decode(loaded, [*prompt, *body])
    return whole[len(before) :] if whole.startswith(before) else _decode(loaded, body)


def _decode(loaded: LoadedModel, tokens: Sequence[int]) -> str:
    decoded = loaded.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(decoded)
