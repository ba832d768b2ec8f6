"""The end of a log, for everybody who shows some of it."""

from __future__ import annotations

from pathlib import Path


def end_of_log(path: Path, most: int) -> str:
    """The last `most` bytes of a log as text; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - most, 0))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
