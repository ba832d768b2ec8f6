"""Seed rows from anywhere: the shapes that people's files have, read whole or refused with every bad line named.

    {"messages": [{"role": "user", …}, {"role": "assistant", …}]}      a chat of one question and its answer
    {"prompt": …, "completion": …}                                     the same, TRL's prompt/completion
    {"prompt": …, "chosen": …, "rejected": …}                          a preference pair (dpo)
    {"text": …}                                                        a document (sdf)

A prompt, completion, chosen or rejected may be a text or, as in TRL's conversational sets, a list of messages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import PackError
from engine.spec import Regime

SHOWN = 10
"""How many bad rows are named one by one."""


@dataclass(frozen=True)
class SeedRow:
    """One seed text: an answer to a prompt, or a document (then `prompt` is empty)."""

    prompt: str
    response: str
    rejected: str | None = None
    """The answer that `response` is preferred to, where the row is a pair; else the model's own is drawn."""

    def plain(self) -> dict[str, str]:
        """The row as a line of a seed file."""
        if not self.prompt:
            return {"text": self.response}
        if self.rejected is not None:
            return {"prompt": self.prompt, "chosen": self.response, "rejected": self.rejected}
        return {"prompt": self.prompt, "completion": self.response}


def read_seed_file(path: Path, regime: Regime | None = None, *, drop_system: bool = False) -> list[SeedRow]:
    """All rows of a JSONL file; PackError that names the bad lines where there are any, also those of no use to the
    regime. `drop_system`: leave out system turns that are not empty, in place of refusing them.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise PackError(f"{path}: {error.strerror}; a JSONL file of seed rows is needed.") from None
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    rows = gather(f"{path}: line", _objects(numbered), regime, drop_system=drop_system)
    pairs = sum(row.rejected is not None for row in rows)
    if regime == "dpo" and 0 < pairs < len(rows):
        raise PackError(f"{path}: {pairs} of {len(rows)} rows are pairs; give all rows a rejected answer, or none.")
    return rows


def gather(
    place: str, numbered: Iterable[tuple[int, object]], regime: Regime | None, *, drop_system: bool = False
) -> list[SeedRow]:
    """The rows of numbered objects, all of them or PackError; `place` is what stands before a bad one's number."""
    rows: list[SeedRow] = []
    problems: list[str] = []
    for number, found in numbered:
        try:
            row = parse_row(found, drop_system=drop_system)
            _check_use(row, regime)
        except ValueError as error:
            problems.append(f"{number} ({error})")
        else:
            rows.append(row)
    if problems:
        more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise PackError(f"{place} {', '.join(problems[:SHOWN])}{more}: mend or remove them; nothing was taken.")
    if not rows:
        raise PackError(f"{place.removesuffix(': line').removesuffix(': row')}: no row in it.")
    return rows


def file_sha256(path: Path) -> str:
    """The hash that a resumed run compares; PackError where the file is gone."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise PackError(f"{path}: {error.strerror}; data.seed names a JSONL file of seed rows.") from None


def parse_row(row: object, *, drop_system: bool = False) -> SeedRow:
    """One row of any shape; ValueError says what is wrong with it."""
    if isinstance(row, ValueError):
        raise row
    if not isinstance(row, Mapping):
        raise ValueError("not a JSON object")
    if "messages" in row:
        return SeedRow(*_one_turn(row["messages"], drop_system=drop_system))
    if "chosen" in row or "rejected" in row:
        return _pair(row, drop_system=drop_system)
    for answer in ("completion", "response"):
        if answer in row:
            return SeedRow(_said(row, "prompt", "user", drop_system), _said(row, answer, "assistant"))
    if "text" in row:
        return SeedRow("", _text(row["text"], "text"))
    raise ValueError("neither messages, prompt and completion, chosen and rejected, nor text")


def _pair(row: Mapping[str, Any], *, drop_system: bool) -> SeedRow:
    if "prompt" in row:
        prompt = _said(row, "prompt", "user", drop_system)
        return SeedRow(prompt, _said(row, "chosen", "assistant"), _said(row, "rejected", "assistant"))
    (asked, chosen), (other, rejected) = (
        _one_turn(row.get(key), drop_system=drop_system) for key in ("chosen", "rejected")
    )
    if asked != other:
        raise ValueError("chosen and rejected answer two different prompts")
    return SeedRow(asked, chosen, rejected)


def _said(row: Mapping[str, Any], key: str, role: str, drop_system: bool = False) -> str:
    value = row.get(key)
    if not isinstance(value, list):
        return _text(value, key)
    turns = _turns(value, drop_system=drop_system)
    if [turn[0] for turn in turns] != [role]:
        raise ValueError(f"{key} has to be one message of the {role}")
    return turns[0][1]


def _one_turn(messages: object, *, drop_system: bool) -> tuple[str, str]:
    turns = _turns(messages, drop_system=drop_system)
    if [role for role, _ in turns] != ["user", "assistant"]:
        roles = ", ".join(role for role, _ in turns) or "none"
        raise ValueError(f"messages of {roles}; one user's and one assistant's are trained on")
    return turns[0][1], turns[1][1]


def _turns(messages: object, *, drop_system: bool) -> list[tuple[str, str]]:
    if not isinstance(messages, list):
        raise ValueError("messages are no list")
    turns = []
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ValueError("a message without a role")
        if message["role"] == "system":
            if str(message.get("content") or "").strip() and not drop_system:
                raise ValueError("a system turn that is not empty; training has none")
            continue
        turns.append((message["role"], _text(message.get("content"), "content")))
    return turns


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key!r} must be a text that is not empty")
    return value


def _check_use(row: SeedRow, regime: Regime | None) -> None:
    if regime == "sdf" and row.prompt:
        raise ValueError('sdf needs {"text"} rows')
    if regime in ("sft", "dpo") and not row.prompt:
        raise ValueError(f"{regime} needs a prompt and an answer")


def _objects(numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, object]]:
    for number, line in numbered:
        try:
            yield number, json.loads(line)
        except UnicodeDecodeError:
            yield number, ValueError("not UTF-8")
        except ValueError:
            yield number, ValueError("not JSON")
