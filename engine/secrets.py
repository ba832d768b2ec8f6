"""Secrets: which a run needs, and how their values are kept out of what is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from engine.model_files import snapshot

HUB = "HF_TOKEN"
SECRET_NAME = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD)S?$", re.IGNORECASE)
SHORTEST = 6
"""Shorter values are words that stand in honest text too."""


def needed_secrets(models: Iterable[str], judge_key: str | None = None) -> tuple[str, ...]:
    """Names of what a worker needs from the caller's environment: to fetch hub models that are not here yet, and for
    the judge's server.
    """
    missing = any(snapshot(name) is None for name in models)
    hub = (HUB,) if missing and os.environ.get(HUB) else ()
    return hub if judge_key is None else (*hub, judge_key)


def hide_secrets(text: str, names: Iterable[str] = ()) -> str:
    """The text with `***` for the values of those variables, and of all whose name says that they are secret."""
    named = {*names, *(name for name in os.environ if SECRET_NAME.search(name))}
    values = {os.environ.get(name, "") for name in named}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, "***")
    return text
