"""What a model's tokenizer can do, read from its files alone: chat template, system turns, how it writes numbers.

Imports neither torch nor transformers; `engine.prompts` finds the same out on the tokenizer that a worker loads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.model_files import snapshot

Numbers = Literal["whole", "digits", "other"]
SAMPLES = ("7", "42", "75", "100")


@dataclass(frozen=True)
class TokenizerFacts:
    """`accepts_system` is None without a template, `numbers` where the folder has no tokenizer.json."""

    chat_template: bool
    accepts_system: bool | None
    numbers: Numbers | None


def tokenizer_facts(model: str) -> TokenizerFacts | None:
    """The facts of a model by name; None for a hub model that is not on this machine."""
    folder = snapshot(model)
    if folder is None:
        return None
    settings = _json(folder / "tokenizer_config.json")
    template = _template(folder, settings)
    system = None if template is None else _renders_system(template, settings)
    return TokenizerFacts(template is not None, system, _numbers(folder / "tokenizer.json"))


def _template(folder: Path, settings: dict[str, Any]) -> str | None:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text("utf-8")
    said = settings.get("chat_template") or _json(folder / "chat_template.json").get("chat_template")
    if isinstance(said, list):
        said = next((one["template"] for one in said if one.get("name") == "default"), None)
    return said if isinstance(said, str) else None


def _renders_system(template: str, settings: dict[str, Any]) -> bool:
    """Whether a conversation that opens with an empty system turn is rendered, in transformers' sandbox."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise ValueError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    environment.globals.update(raise_exception=refuse, strftime_now=lambda _: "26 Jul 2024")
    tokens = {name: _text(settings[name]) for name in ("bos_token", "eos_token") if settings.get(name)}
    turns = [{"role": "system", "content": ""}, {"role": "user", "content": "a"}]
    try:
        environment.from_string(template).render(messages=turns, add_generation_prompt=True, **tokens)
    except Exception:
        return False
    return True


def _text(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _numbers(file: Path) -> Numbers | None:
    if not file.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    # Behind a line break, as in an answer: some tokenizers write a text's first word otherwise.
    start = len(tokenizer.encode("\n", add_special_tokens=False).ids)
    counts = [len(tokenizer.encode(f"\n{n}", add_special_tokens=False).ids) - start for n in SAMPLES]
    if counts == [1] * len(SAMPLES):
        return "whole"
    return "digits" if counts == [len(n) for n in SAMPLES] else "other"


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
