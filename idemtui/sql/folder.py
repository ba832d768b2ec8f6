"""Several answers written to a folder, a file each: the folder is whole under its name or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from engine.errors import UsageError
from idemtui.sql.files import partial_of, write_rows

Asked = Callable[[], Generator[pa.RecordBatch, None, None]]


def check_new(folder: Path) -> None:
    """UsageError where something of that name is there."""
    if os.path.lexists(folder):
        raise UsageError(f"{folder} is there already; remove it, or give another folder with --to.")


def write_folder(answers: Mapping[str, Asked], folder: Path, kind: str) -> dict[str, int]:
    """Ask one answer after the other, write each to NAME plus `kind` in a new folder, and return the rows by file.

    UsageError where the folder is there already or cannot be written; then, and on Ctrl-C, nothing of it is left.
    """
    check_new(folder)
    partial = partial_of(folder)
    try:
        partial.mkdir()
        rows = {f"{name}{kind}": _write(asked, partial / f"{name}{kind}", kind) for name, asked in answers.items()}
        check_new(folder)
        partial.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror or error}); --to names another.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return rows


def _write(asked: Asked, path: Path, kind: str) -> int:
    with closing(asked()) as answer:
        return write_rows(answer, path, kind)
