"""What a person wants of every console: `console.toml` in their configuration folder.

theme = "ansi-dark"
when_a_run_ends = ["bell", "osc9"]        # none: []; osc9 and osc777 are desktop notifications
[keys]
"runs.open" = "enter,space"               # names as in the help page; several keys with commas
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from idemtui.console.action import PAGES
from idemtui.console.actions import ACTIONS, actions

SIGNALS = ("bell", "osc9", "osc777")
MOST_NAMED = 10
"""More allowed values than these are not listed where a near one can be named."""
KNOWN = ("theme", "when_a_run_ends", "keys")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; `keys` by the action's name."""

    theme: str | None = None
    when_a_run_ends: tuple[str, ...] = ("bell",)
    keys: Mapping[str, str] = field(default_factory=dict)


def settings_path() -> Path:
    """Where the file is, or would be."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "idemtui" / "console.toml"


def read_settings(path: Path) -> Settings:
    """What the file says; the defaults where there is none. UsageError names file, key, value, what is allowed."""
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}.") from None
    for key in stated:
        _one_of(path, key, key, KNOWN)
    theme = stated.get("theme")
    if theme is not None and not isinstance(theme, str):
        raise UsageError(f'{path}: theme = {theme!r}; allowed: a name, as "ansi-dark".')
    return Settings(theme, _signals(path, stated.get("when_a_run_ends", ["bell"])), _keys(path, stated.get("keys", {})))


def usable_settings(path: Path) -> tuple[Settings, str]:
    """What the file says, or the defaults and one line on what is wrong with it."""
    try:
        return read_settings(path), ""
    except UsageError as error:
        return Settings(), f"{error} The defaults hold until it is mended."


def _signals(path: Path, stated: Any) -> tuple[str, ...]:
    if not isinstance(stated, list):
        raise UsageError(f"{path}: when_a_run_ends = {stated!r}; allowed: a list of {', '.join(SIGNALS)}.")
    for signal in stated:
        _one_of(path, "when_a_run_ends", signal, SIGNALS)
    return tuple(stated)


def _keys(path: Path, stated: Any) -> dict[str, str]:
    if not isinstance(stated, dict):
        raise UsageError(f'{path}: keys = {stated!r}; allowed: a section [keys] of lines as "runs.open" = "enter".')
    names = [action.id for action in ACTIONS]
    for name, keys in stated.items():
        _one_of(path, "keys", name, names)
        if not isinstance(keys, str) or not all(key.strip() for key in keys.split(",")):
            raise UsageError(f'{path}: keys "{name}" = {keys!r}; allowed: one key or several, as "enter,space".')
    keymap = {name: ",".join(key.strip() for key in keys.split(",")) for name, keys in stated.items()}
    _no_clash(path, keymap)
    return keymap


def _no_clash(path: Path, keymap: Mapping[str, str]) -> None:
    for place in {action.room for action in ACTIONS}:
        taken: dict[str, str] = {}
        for action in actions(place) if place in PAGES else actions("everywhere", place):
            for key in keymap.get(action.id, action.keys).split(","):
                other = taken.setdefault(key, action.id)
                if other != action.id:
                    raise UsageError(f'{path}: key "{key}" means both {other} and {action.id}; give one another key.')


def _one_of(path: Path, key: str, value: Any, allowed: tuple[str, ...] | list[str]) -> None:
    if value in allowed:
        return
    near = get_close_matches(str(value), allowed, n=3, cutoff=0.5)
    if near and len(allowed) > MOST_NAMED:
        raise UsageError(f"{path}: {key}: {value!r} is not known; did you mean {', '.join(near)}?")
    raise UsageError(f"{path}: {key}: {value!r} is not known; allowed: {', '.join(allowed)}.")
