"""The models of a study in a line each: what their tokenizers can do, or what stands in the way of fetching them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from engine.hub import hub_trouble
from engine.spec import RunSpec
from engine.tokenizer_facts import TokenizerFacts, tokenizer_facts
from idemtui.doctor.check import TooSlowError, within

HUB_SECONDS = 3.0
NUMBERS = {
    "whole": "each number is one token",
    "digits": "numbers are split into digits (judged along all their spellings)",
    "other": "numbers are split in pieces (judged along all their spellings)",
}


def named_models(specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The models that these runs load on this machine, each once."""
    names = (name for spec in specs for name in (spec.run.model, spec.judge.local_model) if name)
    return tuple(dict.fromkeys(names))


def asked_hub(name: str) -> str | None:
    """What stands in the way of fetching a model, as `hub_trouble`, or that the hub takes too long to say."""
    try:
        return within(HUB_SECONDS, lambda: hub_trouble(name))
    except TooSlowError:
        return f"model {name!r} is not on this machine and the hub did not answer within {HUB_SECONDS:g} s"


def model_words(name: str, trouble: Callable[[str], str | None] = asked_hub) -> tuple[str, bool]:
    """What is known of a model, and whether a run could load it or fetch it."""
    facts = tokenizer_facts(name)
    if facts is not None:
        return f"{name}: {facts_words(facts)}", True
    found = trouble(name)
    if found is None:
        return f"{name}: not on this machine; the hub gives it, fetching it comes before the first cycle", True
    return found, False


class ModelMemory:
    """`model_words` that asks the hub once of each model, also for those who ask meanwhile, until it is to `forget`."""

    def __init__(self) -> None:
        self._said: dict[str, str | None] = {}
        self._turns: dict[str, threading.Lock] = {}

    def words(self, name: str) -> tuple[str, bool]:
        """As `model_words`."""
        return model_words(name, self._trouble)

    def forget(self) -> None:
        """Ask anew from now on."""
        self._said, self._turns = {}, {}

    def _trouble(self, name: str) -> str | None:
        said = self._said
        with self._turns.setdefault(name, threading.Lock()):
            if name not in said:
                said[name] = asked_hub(name)
        return said[name]


def facts_words(facts: TokenizerFacts) -> str:
    """`chat template, takes system turns; each number is one token`."""
    template = "chat template" if facts.chat_template else "no chat template (a base model: sdf)"
    system = {True: ", takes system turns", False: ", refuses system turns (the empty one is left out)", None: ""}
    numbers = f"; {NUMBERS[facts.numbers]}" if facts.numbers else ""
    return f"{template}{system[facts.accepts_system]}{numbers}"
