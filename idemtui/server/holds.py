"""Devices that a person keeps free for somebody else: this lab starts nothing there until they are released.

A file of the lab, so that a server that comes back still knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from engine.errors import JournalError, UsageError
from idemtui.server.submission import write_whole
from store.lab import Lab


class Holds:
    """The held devices of one lab: `cpu`, or UUIDs of GPUs."""

    def __init__(self, lab: Lab) -> None:
        """Raise JournalError where the lab's file of them cannot be read."""
        self._path = lab.root / "held.json"
        self._devices = _read(self._path)

    def __contains__(self, device: object) -> bool:
        return device in self._devices

    @property
    def devices(self) -> list[str]:
        """What is held now."""
        return sorted(self._devices)

    def hold(self, device: str) -> None:
        """Keep a device free from now on; what runs there goes on until it is paused."""
        self._write(self._devices | {device})

    def release(self, devices: Iterable[str]) -> None:
        """Let these be used again."""
        self._write(self._devices - set(devices))

    def _write(self, devices: frozenset[str]) -> None:
        write_whole(self._path, json.dumps(sorted(devices)) + "\n")
        self._devices = devices


def _read(path: Path) -> frozenset[str]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as error:
        raise JournalError(f"{path}: cannot be read ({error}); remove it, then nothing is held.") from None
    if not isinstance(found, list) or not all(isinstance(device, str) for device in found):
        raise JournalError(f"{path}: is no list of devices; remove it, then nothing is held.")
    return frozenset(found)


def named_device(name: str, known: Iterable[dict[str, str]]) -> str:
    """The device that a person means by `cpu`, a GPU's number, or (the beginning of) its UUID.

    `known` are rows of `status`; UsageError names them where the text fits none, or several.
    """
    rows = list(known)
    found = [row["device"] for row in rows if _means(name, row)]
    if len(found) == 1:
        return found[0]
    raise UsageError(f"device {name!r}: this lab has {', '.join(_spoken(row) for row in rows)}; give one of them.")


def _means(name: str, row: dict[str, str]) -> bool:
    return name == _spoken(row) or (len(name) > 4 and row["device"].startswith(name))


def _spoken(row: dict[str, str]) -> str:
    """`cpu`, or the number in `GPU 3: …`."""
    return "cpu" if row["device"] == "cpu" else row["name"].removeprefix("GPU ").partition(":")[0]
