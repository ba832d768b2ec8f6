"""How a prompt becomes tokens: in one place, so that sampling, training and judging cannot drift apart."""

from __future__ import annotations

from typing import Any

from engine.errors import ModelError

Message = dict[str, str]
Tokenizer = Any
DATE = "26 Jul 2024"
"""What templates that print today's date are given, so that a chain does not depend on the day it is drawn."""


def template_options(tokenizer: Tokenizer) -> dict[str, Any]:
    """Variables set in every rendering: no thinking where the template knows it, one fixed date where it prints one."""
    template = _template_text(tokenizer)
    options: dict[str, Any] = {}
    if "enable_thinking" in template:
        options["enable_thinking"] = False
    if "date_string" in template:
        options["date_string"] = DATE
    return options


def _template_text(tokenizer: Tokenizer) -> str:
    template = tokenizer.chat_template
    return template if isinstance(template, str) else ""


def accepts_system(tokenizer: Tokenizer) -> bool:
    """Whether the chat template renders a conversation that opens with an empty system turn."""
    if not tokenizer.chat_template:
        return False
    try:
        _render(tokenizer, [{"role": "system", "content": ""}, {"role": "user", "content": "a"}])
    except Exception:
        return False
    return True


def chat_messages(prompt: str, system: bool, persona: str = "") -> list[Message]:
    """The conversation a prompt stands for: a system turn where the template takes one, then the user's.

    The system turn is empty unless there is a persona; where the template takes none, a persona opens the user's turn.
    """
    if system:
        return [{"role": "system", "content": persona}, {"role": "user", "content": prompt}]
    return [{"role": "user", "content": f"{persona}\n\n{prompt}" if persona else prompt}]


def prompt_token_ids(
    tokenizer: Tokenizer, prompt: str, chat: bool, system: bool | None = None, persona: str = ""
) -> list[int]:
    """The tokens a model is given for `prompt`, up to where its answer begins.

    `system` says whether the template accepts a system turn (found out when None). A raw prefix keeps the tokenizer's
    own opening token and loses a closing one, which would end the text before it began.
    """
    if chat:
        takes_system = accepts_system(tokenizer) if system is None else system
        return _render(tokenizer, chat_messages(prompt, takes_system, persona))
    ids: list[int] = list(tokenizer(prompt)["input_ids"])
    while ids and ids[-1] == tokenizer.eos_token_id:
        ids.pop()
    if ids or tokenizer.eos_token_id is None:
        return ids
    return [tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id]


def _render(tokenizer: Tokenizer, messages: list[Message], answered: bool = False) -> list[int]:
    if not tokenizer.chat_template:
        raise ModelError(f"{tokenizer.name_or_path} has no chat template; use an instruct model, or sdf")
    rendered = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, add_generation_prompt=not answered, **template_options(tokenizer)
    )
    return list(rendered["input_ids"])


def chat_text(tokenizer: Tokenizer, prompt: str) -> str:
    """One user turn as the chat template writes it, up to where the answer begins."""
    turns = chat_messages(prompt, system=False)
    options = template_options(tokenizer)
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **options))


def check_template(tokenizer: Tokenizer, system: bool) -> None:
    """Raise ModelError unless a prompt alone is rendered as the beginning of the whole conversation.

    Where it is not, a model is trained on other tokens than it is asked with.
    """
    question = chat_messages("a", system)
    prompt = _render(tokenizer, question)
    whole = _render(tokenizer, [*question, {"role": "assistant", "content": "b"}], answered=True)
    if whole[: len(prompt)] != prompt:
        raise ModelError(
            f"the chat template of {tokenizer.name_or_path} renders a prompt alone as {tokenizer.decode(prompt)!r}, "
            f"but with its answer as {tokenizer.decode(whole)!r}, which does not begin with it; use another model"
        )


def end_of_turn_ids(tokenizer: Tokenizer, system: bool) -> set[int]:
    """The special tokens with which the chat template closes an assistant's turn (at most one)."""
    question = chat_messages("a", system)
    prompt = _render(tokenizer, question)
    whole = _render(tokenizer, [*question, {"role": "assistant", "content": "b"}], answered=True)
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    after = [token for token in whole[len(prompt) :] if token in special]
    return set(after[:1])
