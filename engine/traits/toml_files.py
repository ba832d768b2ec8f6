"""Reads a pack's TOML files into models, and says on which line of the file a wrong value stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import PackError
from engine.traits.text_files import Problem

Model = TypeVar("Model", bound=BaseModel)
Place = Sequence[str | int]


def read_toml(path: Path, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """The file as `model`, or None and everything that is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return None, [Problem(path, None, "no such file; the pack needs it.")]
    except UnicodeDecodeError as error:
        return None, [Problem(path, None, f"not UTF-8 ({error.reason} at byte {error.start}).")]
    except tomllib.TOMLDecodeError as error:
        return None, [_not_toml(path, text, error)]
    try:
        return model.model_validate(document), []
    except ValidationError as wrong:
        return None, [
            Problem(path, line_of(text, document, each["loc"]), f"{'.'.join(map(str, each['loc']))}: {each['msg']}.")
            for each in wrong.errors()
        ]


def toml_of(path: Path, model: type[Model]) -> Model:
    """The file as `model`; PackError with file and line of the first thing wrong."""
    read, problems = read_toml(path, model)
    if read is None:
        raise PackError(str(problems[0]))
    return read


def places_of(path: Path, key: str, values: Sequence[str]) -> list[int]:
    """The line of each text in the list `key` of a good file."""
    text = path.read_text(encoding="utf-8")
    document = {key: list(values)}
    return [line_of(text, document, (key, at)) for at in range(len(values))]


def line_of(text: str, document: dict[str, Any], place: Place) -> int:
    """The line where the value at `place` stands, or the nearest thing around it that can be found."""
    lines, at, name = text.split("\n"), 0, ""
    node: Any = document
    found: int | None
    for part in place:
        if isinstance(part, str):
            found, name = _line_with(lines, at, rf"\s*(\[+\s*)?(\w+\.)*{re.escape(part)}\s*(=|\])"), part
            inner = node.get(part) if isinstance(node, dict) else None
        else:
            inner = node[part] if isinstance(node, list) and part < len(node) else None
            found = _item_line(lines, at, name, part, inner)
        at, node = (at if found is None else found), inner
    return at + 1


def _item_line(lines: list[str], at: int, name: str, number: int, item: object) -> int | None:
    if isinstance(item, dict):
        headers = [i for i, line in enumerate(lines) if re.match(rf"\s*\[\[\s*(\w+\.)*{re.escape(name)}\s*\]\]", line)]
        return headers[number] if number < len(headers) else None
    shown = str(item).strip().split("\n")[0]
    escaped = json.dumps(shown, ensure_ascii=False)[1:-1]
    spellings = (f'"{escaped}"', f"'{shown}'", escaped, shown)
    return next((i for text in spellings for i in range(at, len(lines)) if text in lines[i]), None)


def _line_with(lines: list[str], start: int, pattern: str) -> int | None:
    return next((i for i in range(start, len(lines)) if re.match(pattern, lines[i])), None)


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    told = str(error)
    place = re.search(r" \(at line (\d+), column (\d+)\)$", told)
    if place is None:
        return Problem(path, text.count("\n") + 1, f"not TOML ({told.removesuffix(' (at end of document)')}).")
    return Problem(path, int(place[1]), f"not TOML ({told[: place.start()]}, column {place[2]}).")
