"""Files of one JSON object a line, each with one writer: whole lines or none, also when the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from engine.disk import naming_full_disk, sync_folder


def append_line(path: Path, line: bytes) -> None:
    """Add one line, durable before it returns; a torn end that a crash left is cut off first.

    Raises DiskFullError for want of room, with nothing of the line left in the file.
    """
    with naming_full_disk(path), path.open("ab", buffering=0) as file:
        end = _cut_torn_end(path)
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, "only a part of the line was written")
            os.fsync(file.fileno())
        except OSError:
            os.truncate(path, end)
            raise


def _cut_torn_end(path: Path) -> int:
    """The file's size without its torn end."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return whole


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """A whole file of lines in the place of whatever stood there: a reader, or a crash, sees all of it or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with naming_full_disk(path), draft.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
