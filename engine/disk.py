"""Room on the disk: how much is free, how much is kept free, and what it is called when there is none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DiskFullError, UsageError

RESERVE = "IDEMTUI_DISK_RESERVE_MB"
RESERVE_MB = 256
MB = 1_000_000
OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT)


def reserve_bytes() -> int:
    """What is kept free for everything else, by the environment; UsageError where that is no number."""
    text = os.environ.get(RESERVE, str(RESERVE_MB))
    if not text.isdecimal():
        raise UsageError(f"{RESERVE} = {text!r}; allowed: a whole number of megabytes (default {RESERVE_MB}).")
    return int(text) * MB


def room_missing(folder: Path, reserve: int, room: int = 0) -> str | None:
    """One line where the folder's disk has less than `reserve` + `room` bytes for us, None where it has them."""
    free = shutil.disk_usage(folder).free
    if free >= reserve + room:
        return None
    wanted = f" and the next adapter may take {_mb(room)}" if room else ""
    return f"{free // MB} MB free on {folder}, {_mb(reserve)} are kept free{wanted}; it goes on when there is room"


def _mb(count: int) -> str:
    return f"{-(-count // MB)} MB"


def out_of_room(error: BaseException) -> bool:
    """Whether a disk or a quota is full; safetensors says so only in words."""
    if isinstance(error, OSError):
        return error.errno in OUT_OF_ROOM
    return any(f"(os error {number})" in str(error) for number in OUT_OF_ROOM)


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn a full disk or quota met while writing to `path` into DiskFullError."""
    try:
        yield
    except Exception as error:
        if not out_of_room(error):
            raise
        raise DiskFullError(f"{path}: its disk or quota is full; it goes on when there is room") from error


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable: names that were added, renamed or removed."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Make the content of a file durable that somebody else has written."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
