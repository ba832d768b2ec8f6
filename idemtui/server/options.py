"""What a server can be told at its start, and how that travels on its command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idemtui.server.settings import ServerSettings

PROTOCOL = 2
"""What client and server say to each other; a server of another number is replaced by the client that meets it."""


@dataclass(frozen=True)
class ServerOptions:
    """Flags of one server process; None leaves the lab's `server.toml` its say."""

    slots: int | None = None
    idle_seconds: float | None = None
    worker: tuple[str, ...] | None = None
    """The worker's command; tests give their own."""
    go_on: bool = False
    """Whether runs that a crash or a reboot interrupted are queued again without being asked for."""

    def command(self, lab: Path) -> list[str]:
        """The command line of a server process with these options."""
        line = [sys.executable, "-P", "-m", "idemtui.server.main", "--lab", str(lab)]
        if self.idle_seconds is not None:
            line += ["--idle", str(self.idle_seconds)]
        if self.slots is not None:
            line += ["--slots", str(self.slots)]
        if self.go_on:
            line += ["--go-on"]
        if self.worker is not None:
            line += ["--worker", *self.worker]
        return line

    def over(self, settings: ServerSettings) -> ServerSettings:
        """The settings with these flags in force."""
        flags = {"slots": self.slots, "idle_seconds": self.idle_seconds}
        return settings.model_copy(update={name: value for name, value in flags.items() if value is not None})


def parse_options(arguments: Sequence[str] | None = None) -> tuple[Path, ServerOptions]:
    """The lab folder and the options of a server's command line."""
    parser = argparse.ArgumentParser(prog="python -m idemtui.server.main", description=__doc__)
    parser.add_argument("--lab", type=Path, required=True)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--idle", type=float, metavar="SECONDS")
    parser.add_argument("--go-on", action="store_true")
    parser.add_argument("--worker", nargs=argparse.REMAINDER, metavar="COMMAND")
    parsed = parser.parse_args(arguments)
    worker = tuple(parsed.worker) if parsed.worker else None
    return parsed.lab, ServerOptions(parsed.slots, parsed.idle, worker, parsed.go_on)
