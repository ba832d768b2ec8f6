"""A call that no command takes, in one line: unknown command or option, missing argument, wrong value."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

NUMBERS = {"int": "whole number", "integer": "whole number", "float": "number"}
EXTRA = re.compile(r"^got unexpected extra argument\S* \((.*)\)$")
KIND = re.compile(r"is not a valid (\w+)( range)?$")


def misuse(error: Any, arguments: Sequence[str], commands: Collection[str]) -> str | None:
    """What was wrong, what was meant or is allowed, and where help is; None where typer did not refuse the call."""
    if not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if context else _path(arguments, commands)
    return " ".join(f"{_said(error)}{_allowed(context, error)}; see {path} --help.".split())


def _path(arguments: Sequence[str], commands: Collection[str]) -> str:
    """Typer does not always say which command it was reading."""
    return " ".join(["idemtui", *[word for word in arguments if word in commands][:1]])


def _said(error: Any) -> str:
    if hasattr(error, "possibilities"):
        near = " or ".join(sorted(error.possibilities or ()))
        return f"no such option {error.option_name}" + (f"; did you mean {near}" if near else "")
    text = error.format_message().rstrip(".?").replace(". Did you mean", "; did you mean")
    text = text[:1].lower() + text[1:]
    return KIND.sub(_kind, EXTRA.sub(r"unexpected: \1", text))


def _kind(found: re.Match[str]) -> str:
    return f"is no {NUMBERS[found[1]]}" if found[1] in NUMBERS else found[0]


def _allowed(context: Any, error: Any) -> str:
    """The commands of a group where none of them was meant; the program itself has too many to name."""
    commands = getattr(context.command, "commands", {}) if context and context.parent else {}
    return f"; allowed: {', '.join(commands)}" if commands and not hasattr(error, "possibilities") else ""
