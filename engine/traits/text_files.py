r"""The rows of a pack's files with the lines they stand on, so that whatever is wrong with one can be found.

`.jsonl`: one object a line. `.txt`: one text a line; `\n` in it is a line break, a line that begins with `#` a note.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import PackError


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file, at a line where there is one."""

    path: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"{self.path}, line {self.line}" if self.line else str(self.path)
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Row:
    """One line of a file: its texts by key."""

    path: Path
    line: int
    texts: dict[str, str]


def read_rows(path: Path, keys: Sequence[str]) -> tuple[list[Row], list[Problem]]:
    """All good rows of a `.jsonl` or `.txt` file (whose texts get the first key), and what is wrong with the others."""
    if not path.exists():
        return [], [Problem(path, None, "no such file; the pack needs it.")]
    parse = _plain if path.suffix == ".txt" else _object
    rows, problems = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            texts = parse(line.decode("utf-8").strip(), keys)
        except UnicodeDecodeError as error:
            problems.append(Problem(path, number, f"not UTF-8 ({error.reason} at byte {error.start})."))
        except PackError as error:
            problems.append(Problem(path, number, str(error)))
        else:
            if texts:
                rows.append(Row(path, number, texts))
    return rows, problems


def rows_of(path: Path, keys: Sequence[str]) -> list[Row]:
    """All rows of a file; PackError with file and line of the first bad one."""
    rows, problems = read_rows(path, keys)
    if problems:
        raise PackError(str(problems[0]))
    return rows


def pool_files(folder: Path, name: str) -> list[Path]:
    """Where a pool stands: `NAME.jsonl`, and every `.txt` and `.jsonl` file in the folder `NAME`; never empty."""
    single = folder / f"{name}.jsonl"
    several = sorted(path for path in (folder / name).glob("*") if path.suffix in (".txt", ".jsonl"))
    return [single, *several] if single.exists() or not several else several


def _plain(line: str, keys: Sequence[str]) -> dict[str, str]:
    return {} if not line or line.startswith("#") else {keys[0]: line.replace("\\n", "\n")}


def _object(line: str, keys: Sequence[str]) -> dict[str, str]:
    if not line:
        return {}
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise PackError(f"not JSON ({error}).") from None
    for key in keys:
        if not isinstance(row, dict) or not isinstance(row.get(key), str) or not row[key].strip():
            raise PackError(f"{key!r} must be a text that is not empty.")
    return {key: row[key] for key in keys}
