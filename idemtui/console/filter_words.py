"""A filter of samples as one line that people type: `cycle:3 score:40.. mark:odd only light`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

from engine.errors import UsageError
from idemtui.console.words import generation
from store.listing import PURPOSES, SampleFilter, Where

KEYS = ("study", "trait", "cycle", "purpose", "prompt", "score", "label", "mark", "in")
TOKEN = re.compile(rf"""(?:^|(?<=\s))({"|".join(KEYS)}):("[^"]*"|[^\s"]+)(?=\s|$)""")
HINT = (
    "cycle:3 purpose:eval score:40..60 prompt:bread label:refusal mark:any study:NAME trait:NAME in:both  and a regex"
)
CYCLE = re.compile(r"M?_?(\d{1,4})|(-1|base)", re.IGNORECASE)
NUMBER = r"\d+(?:\.\d+)?"
SCORE = re.compile(rf"({NUMBER})?(\.\.)?({NUMBER})?")


def parse(text: str, run_id: str | None) -> SampleFilter:
    """The filter that a line means, of one run or of all; UsageError, in one line, names what is wrong.

    What has no key is the regular expression; after a lone `/` everything is.
    """
    head, slash, tail = _parted(text)
    wanted = SampleFilter(run_id=run_id)
    for key, value in TOKEN.findall(head):
        wanted = replace(wanted, **READ[key](value.strip('"')))
    pattern = tail if slash else TOKEN.sub("", head).strip()
    return replace(wanted, pattern=pattern or None)


def meant(text: str, run_id: str | None) -> SampleFilter | str:
    """`parse`, or what it says is wrong; blanks at the end count in a regular expression alone."""
    try:
        return parse(text if " /" in text else text.rstrip(), run_id)
    except UsageError as error:
        return str(error)


def _parted(text: str) -> tuple[str, bool, str]:
    """What stands before a lone `/` and after it; one inside a key's value is none."""
    blank = TOKEN.sub(lambda token: "x" * len(token[0]), text)
    at = 0 if blank.startswith("/") else blank.find(" /") + 1
    if at or blank.startswith("/"):
        return text[:at], True, text[at + 1 :]
    return text, False, ""


def line_of(wanted: SampleFilter) -> str:
    """The line that means a filter, the run left out."""
    parts = []
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if field.name in SAID and value is not None:
            parts.append(SAID[field.name](value))
    if wanted.low is not None or wanted.high is not None:
        low, high = (f"{bound:g}" if bound is not None else "" for bound in (wanted.low, wanted.high))
        parts.append(f"score:{low}..{high}")
    if wanted.where != "answers":
        parts.append(f"in:{wanted.where}")
    pattern = wanted.pattern or ""
    plain = (
        pattern == pattern.strip()
        and "/" not in pattern
        and not TOKEN.search(pattern)
        and " ".join(pattern.split()) == pattern
    )
    return " ".join([*parts, pattern if plain else f"/{pattern}"]) if pattern else " ".join(parts)


def _cycle(value: str) -> dict[str, Any]:
    found = CYCLE.fullmatch(value)
    if found is None:
        raise UsageError(f"cycle:{value} is no generation; allowed: base, M0, M1, … or their numbers, −1 for base.")
    return {"cycle": -1 if found[2] else int(found[1])}


def _score(value: str) -> dict[str, Any]:
    found = SCORE.fullmatch(value)
    if found is None or not (found[1] or found[3]):
        raise UsageError(f"score:{value} is no range; allowed: 40..60, 40.., ..60 or 50, of 0 to 100.")
    low, range_, high = found.groups()
    high = high if range_ else low
    return {"low": float(low) if low else None, "high": float(high) if high else None}


def _one_of(name: str, key: str, allowed: tuple[str, ...]) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if value not in allowed:
            raise UsageError(f"{key}:{value}: no such thing; allowed: {', '.join(allowed)}.")
        return {name: value}

    return read


READ: dict[str, Callable[[str], dict[str, Any]]] = {
    "study": lambda value: {"study": value},
    "trait": lambda value: {"trait": value},
    "prompt": lambda value: {"prompt": value},
    "label": lambda value: {"label": value},
    "mark": lambda value: {"mark": value},
    "cycle": _cycle,
    "score": _score,
    "purpose": _one_of("purpose", "purpose", PURPOSES),
    "in": _one_of("where", "in", get_args(Where)),
}


def _quoted(key: str) -> Callable[[str], str]:
    return lambda value: f'{key}:"{value}"' if re.search(r"\s", value) or not value else f"{key}:{value}"


SAID: dict[str, Callable[[Any], str]] = {
    **{name: _quoted(name) for name in ("study", "trait", "purpose", "prompt", "label", "mark")},
    "cycle": lambda cycle: f"cycle:{generation(cycle)}",
}
