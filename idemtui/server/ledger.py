"""The server's pen for `commands.jsonl`: no line is lost to a full disk, and none is glued to a torn one.

What a person asks is written or refused. What the keeper saw cannot be refused: it waits in memory until there is room.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from pathlib import Path
from typing import Any

from engine.commands import CommandType, append_command
from engine.errors import LabError

log = logging.getLogger("idemtui.server")
APART_SECONDS = 0.002
"""Between two questions, whose times in whole milliseconds tell a new server their order."""


class Ledger:
    """Writes lines; the caller holds the queue's lock."""

    def __init__(self) -> None:
        self._owed: list[tuple[Path, CommandType, dict[str, Any]]] = []
        self._asked_at = 0.0

    @property
    def owed(self) -> int:
        """Lines that wait for room."""
        return len(self._owed)

    def ask(self, folder: Path, type_: CommandType, **fields: Any) -> None:
        """Write what a person asked for; LabError where that cannot be done, and then nothing was."""
        try:
            self._pay(folder)
            time.sleep(max(self._asked_at + APART_SECONDS - time.monotonic(), 0))
            _append(folder, type_, fields)
            self._asked_at = time.monotonic()
        except OSError as error:
            raise LabError(f"{folder / 'commands.jsonl'}: {error.strerror}; nothing was changed.") from None

    def note(self, folder: Path, type_: CommandType, **fields: Any) -> None:
        """Write what happened, now or as soon as there is room; a run whose folder is gone needs no line."""
        self._owed.append((folder, type_, fields))
        self.settle()

    def settle(self) -> None:
        """Write what is owed, as far as the disk lets it; lines of one run stay in order."""
        failed: set[Path] = set()
        for owed in list(self._owed):
            folder = owed[0]
            if folder in failed:
                continue
            try:
                _append(*owed)
            except FileNotFoundError:
                log.warning("%s is gone: %s is not recorded", folder, owed[1])
            except OSError as error:
                failed.add(folder)
                log.debug("%s: %s", folder, error)
                continue
            self._owed.remove(owed)

    def _pay(self, folder: Path) -> None:
        self.settle()
        if any(owed[0] == folder for owed in self._owed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _append(folder: Path, type_: CommandType, fields: dict[str, Any]) -> None:
    path = folder / "commands.jsonl"
    whole = _cut_torn(path)
    try:
        append_command(folder, type_, **fields)
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        if path.exists():
            os.truncate(path, whole)
        raise


def _cut_torn(path: Path) -> int:
    """Cut a line that a crash tore, and return the file's size."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return 0
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        os.truncate(path, whole)
    return whole
