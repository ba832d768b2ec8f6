"""Where somebody was in a lab when they closed its console: opened again, it begins there.

One small file for all labs. It is a convenience: one that cannot be read or written changes nothing.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from idemtui.console.action import ROOMS
from idemtui.console.text_facts import Order

MOST_LABS = 50


@dataclass
class Remembered:
    """Room, run, order of the samples, colours, and a study that is not queued yet."""

    room: str = "runs"
    run_id: str | None = None
    order: Order = "drawn"
    theme: str | None = None
    judge: str | None = None
    """Whose scores are shown, where it is not each run's own judge."""
    draft: str = ""
    """The study that was being put together."""

    def __post_init__(self) -> None:
        """A file of another version may name what is no more."""
        if self.room not in ROOMS or self.room == "everywhere":
            self.room = "runs"
        if self.order not in get_args(Order):
            self.order = "drawn"


def memory_path() -> Path:
    """Where the file is, or would be."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "idemtui" / "console.json"


def recall(path: Path, lab: Path) -> Remembered:
    """What was remembered of a lab."""
    held = _read(path).get(str(lab))
    with suppress(TypeError):
        return Remembered(**held) if isinstance(held, dict) else Remembered()
    return Remembered()


def remember(path: Path, lab: Path, seen: Remembered) -> None:
    """Keep it; the labs that were closed longest ago are forgotten beyond MOST_LABS."""
    labs = _read(path)
    labs.pop(str(lab), None)
    labs[str(lab)] = asdict(seen)
    kept = dict(list(labs.items())[-MOST_LABS:])
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(kept, indent=1))
        fresh.replace(path)


def _read(path: Path) -> dict[str, object]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}
