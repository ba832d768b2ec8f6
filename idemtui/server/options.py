"""What a server can be told at its start, and how that travels on its command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

IDLE_SECONDS = 15 * 60.0


@dataclass(frozen=True)
class ServerOptions:
    """Slots as in `share_cores`; idle seconds before the server goes; the worker's command, tests give their own."""

    slots: int | None = None
    idle_seconds: float = IDLE_SECONDS
    worker: tuple[str, ...] | None = None

    def command(self, lab: Path) -> list[str]:
        """The command line of a server process with these options."""
        line = [sys.executable, "-P", "-m", "idemtui.server.main", "--lab", str(lab)]
        line += ["--idle", str(self.idle_seconds)]
        if self.slots is not None:
            line += ["--slots", str(self.slots)]
        if self.worker is not None:
            line += ["--worker", *self.worker]
        return line


def parse_options(arguments: Sequence[str] | None = None) -> tuple[Path, ServerOptions]:
    """The lab folder and the options of a server's command line."""
    parser = argparse.ArgumentParser(prog="python -m idemtui.server.main", description=__doc__)
    parser.add_argument("--lab", type=Path, required=True)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS")
    parser.add_argument("--worker", nargs=argparse.REMAINDER, metavar="COMMAND")
    parsed = parser.parse_args(arguments)
    worker = tuple(parsed.worker) if parsed.worker else None
    return parsed.lab, ServerOptions(parsed.slots, parsed.idle, worker)
