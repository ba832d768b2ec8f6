"""A study file changed setting by setting, its comments kept: the text is the truth, a form only edits it.

A setting with several values stands in [grid], one with a single value in its section, one that is unset nowhere.
Where the text says a setting in a way that no single line does, the file is written anew and its comments are lost.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from engine.errors import SpecError

HEADER = re.compile(r"^\s*\[(\[?)\s*([^\[\]]+?)\s*\]?\]\s*(#.*)?$")
BLANK = """\
# Every combination of what has several values becomes a run; `idemtui preflight` says what it would cost.
[study]
name = "my-study"

[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
"""


@dataclass(frozen=True)
class Edited:
    """A changed text, and whether its comments could not be kept."""

    text: str
    comments_lost: bool = False


def parse(text: str) -> dict[str, Any]:
    """The file's tables; SpecError where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"not TOML: {error}.") from None


def stated(text: str) -> dict[str, list[Any]]:
    """Every setting that the file states, by dotted key, with its values: several for those of [grid]."""
    tables = parse(text)
    grid = tables.get("grid")
    found = {
        f"{section}.{key}": [value]
        for section, keys in tables.items()
        if section not in ("grid", "arms") and isinstance(keys, dict)
        for key, value in keys.items()
    }
    many = grid if isinstance(grid, dict) else {}
    return found | {key: list(values) if isinstance(values, list) else [values] for key, values in many.items()}


def typed(text: str, key: str) -> str:
    """What stands in a setting's field: the values that the text states; empty where there are none, or no TOML."""
    try:
        return ", ".join(map(literal, stated(text).get(key, [])))
    except SpecError:
        return ""


def with_values(text: str, key: str, values: list[Any] | None) -> Edited:
    """The text with a setting at these values (None: unset); SpecError where the text is not TOML."""
    wanted = _changed(parse(text), key, values)
    lines = _without(text.splitlines(), key, keep=values is not None and len(values) == 1)
    if values is not None:
        section, _, name = key.partition(".")
        place, word, value = ("grid", f'"{key}"', values) if len(values) > 1 else (section, name, values[0])
        lines = _with_line(lines, place, word, value)
    edited = _without_empty_grid("\n".join(lines).rstrip("\n") + "\n")
    try:
        kept = tomllib.loads(edited) == wanted
    except tomllib.TOMLDecodeError:
        kept = False
    return Edited(edited) if kept else Edited(write(wanted), comments_lost="#" in text)


def write(tables: dict[str, Any]) -> str:
    """Tables as a study file."""
    parts = []
    for section, keys in tables.items():
        for table in keys if isinstance(keys, list) else [keys]:
            header = f"[[{section}]]" if isinstance(keys, list) else f"[{section}]"
            lines = [f"{_word(key)} = {literal(value)}" for key, value in table.items()]
            parts.append("\n".join([header, *lines]))
    return "\n\n".join(parts) + "\n"


def literal(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case str():
            return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))
    return repr(value)


def _escaped(char: str) -> str:
    """TOML's escape for what no editor shows as it is: controls, bidirectional marks, what has no width."""
    if char == " " or char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def read_values(text: str, *, listed: bool = False) -> list[Any] | None:
    """What somebody typed for a setting: `1, 2, 3`, `"sft", "dpo"`, a bare word; None for nothing.

    With `listed` the setting itself is a list, and several words are one value.
    """
    typed = text.strip()
    if not typed:
        return None
    try:
        values = list(tomllib.loads(f"values = [{typed}]")["values"])
    except tomllib.TOMLDecodeError:
        words = [word.strip().strip("\"'") for word in typed.split(",")]
        values = [_value(word) for word in words if word]
    if listed and not any(isinstance(value, list) for value in values):
        return [values]
    return values or None


def _value(word: str) -> Any:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word


def _changed(tables: dict[str, Any], key: str, values: list[Any] | None) -> dict[str, Any]:
    section, _, name = key.partition(".")
    if isinstance(tables.get(section), dict):
        tables[section].pop(name, None)
    if isinstance(tables.get("grid"), dict):
        tables["grid"].pop(key, None)
    if values is not None and len(values) > 1:
        tables.setdefault("grid", {})[key] = values
    elif values is not None:
        tables.setdefault(section, {})[name] = values[0]
    if tables.get("grid") == {}:
        del tables["grid"]
    return tables


def _places(lines: list[str]) -> list[str]:
    """Which table each line stands in; that of arms is not touched."""
    table, places = "", []
    for line in lines:
        header = HEADER.match(line)
        if header:
            table = f"[[{header[2]}]]" if header[1] else header[2]
        places.append(table)
    return places


def _word(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _says(line: str, words: tuple[str, ...]) -> bool:
    name, equals, _ = line.partition("=")
    return bool(equals) and name.strip() in words


def _without(lines: list[str], key: str, *, keep: bool) -> list[str]:
    """The lines without a setting's own; with `keep` one in its section stays to be rewritten in place."""
    section, _, name = key.partition(".")
    in_grid = (f'"{key}"', f"'{key}'")
    return [
        line
        for line, place in zip(lines, _places(lines), strict=True)
        if not (place == "grid" and _says(line, in_grid))
        and (keep or not (place == section and _says(line, (name, f'"{name}"'))))
    ]


def _with_line(lines: list[str], section: str, word: str, value: Any) -> list[str]:
    places = _places(lines)
    for at, (line, place) in enumerate(zip(lines, places, strict=True)):
        if place == section and _says(line, (word, f'"{word}"')):
            return [*lines[:at], f"{word} = {literal(value)}{_comment(line)}", *lines[at + 1 :]]
    own = [at for at, place in enumerate(places) if place == section and lines[at].strip()]
    new = f"{word} = {literal(value)}"
    if own:
        return [*lines[: own[-1] + 1], new, *lines[own[-1] + 1 :]]
    before = next((at for at, place in enumerate(places) if place == "[[arms]]"), len(lines))
    return [
        *lines[:before],
        *([""] if before else []),
        f"[{section}]",
        new,
        *([""] if lines[before:] else []),
        *lines[before:],
    ]


def _comment(line: str) -> str:
    """A line's trailing comment with the blanks before it; a # inside a text is none."""
    for found in re.finditer(r"\s+#", line):
        try:
            tomllib.loads(line[: found.start()])
        except tomllib.TOMLDecodeError:
            continue
        return line[found.start() :]
    return ""


def _without_empty_grid(text: str) -> str:
    lines = text.splitlines()
    places = _places(lines)
    own = [at for at, place in enumerate(places) if place == "grid"]
    if not own or any("=" in lines[at] and not lines[at].lstrip().startswith("#") for at in own):
        return text
    return "\n".join([*lines[: own[0]], *lines[own[-1] + 1 :]]).rstrip("\n") + "\n"
