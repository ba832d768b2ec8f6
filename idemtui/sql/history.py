"""What somebody asked of a lab before, newest first: one line a statement in their state folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MOST = 2000


@dataclass(frozen=True)
class Asked:
    """A statement, when it was asked (UTC, ISO), and of which lab."""

    text: str
    at: str
    lab: str


def history_path() -> Path:
    """Where the file is, or would be."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "idemtui" / "sql-history.jsonl"


def past(path: Path, lab: Path) -> list[Asked]:
    """What was asked of a lab, newest first, each statement once."""
    newest: dict[str, Asked] = {}
    for asked in _read(path):
        if asked.lab == str(lab):
            newest.pop(asked.text, None)
            newest[asked.text] = asked
    return list(reversed(newest.values()))


def keep(path: Path, asked: Asked) -> None:
    """Add a statement; beyond twice MOST lines the oldest go. A file that cannot be written changes nothing."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(asked), ensure_ascii=False) + "\n")
        held = _read(path)
        if len(held) > 2 * MOST:
            fresh = path.with_suffix(f".{os.getpid()}")
            lines = [json.dumps(asdict(one), ensure_ascii=False) for one in held[-MOST:]]
            fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
            fresh.replace(path)


def _read(path: Path) -> list[Asked]:
    found = []
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError):
                found.append(Asked(**json.loads(line)))
    return found
