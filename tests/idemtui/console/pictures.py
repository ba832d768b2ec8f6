"""Draws the pictures of docs/screens anew: `make pictures`. Each is a snapshot test's lab, at 140×45.

The snapshots themselves prove that nothing moved; these are for people.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from idemtui.console import statements
from idemtui.preflight import check
from idemtui.preflight.facts import Machine
from store.lab import find_lab
from tests.idemtui.console.conftest import QUEUED, RUNNING, House
from tests.idemtui.console.served import working
from tests.idemtui.console.waiting import press
from tests.store.journals import DEMO, STATES, write_lab

SIZE = (140, 45)
CHAINS = [replace(chain, likelihoods=True) for chain in DEMO + STATES]
"""The same runs, with what a run measures where nobody leaves it out."""
FOLDER = Path("docs/screens")
MACHINE = Machine(120_000_000_000, 256_000_000, 16_000_000_000, "memory", "cpu", 2, 1)
SCREENS = {
    "runs": ("1",),
    "run": ("j", "j", "2"),
    "samples": ("3", "j"),
    "ladder": ("4", "right", "right"),
    "compare": ("5",),
    "sql": ("6", "f2", *"length", "enter", "f5"),
    "sql-plot": ("6", "f5", "f8"),
    "launch": ("7",),
    "help": ("question_mark",),
    "palette": ("ctrl+p",),
}


async def draw(root: Path, folder: Path) -> None:
    """One SVG a screen; the lab is served from this process."""
    house = House(
        find_lab(write_lab(root / "lab", CHAINS).root), status=working(RUNNING, ((QUEUED, 0, "waits for a free slot"),))
    )
    house.serve()
    try:
        for name, keys in SCREENS.items():
            async with house.console().run_test(size=SIZE) as pilot:
                await press(pilot, *keys)
                (folder / f"{name}.svg").write_text(pilot.app.export_screenshot(title="idemtui"))
    finally:
        house.leave()


def main(folder: Path = FOLDER) -> int:
    """Draw all of them and say where they are."""
    statements.monotonic = lambda: 0.0
    check.machine_of = lambda lab, status: MACHINE
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        os.environ |= {"TZ": "UTC", "XDG_CONFIG_HOME": "/nowhere", "XDG_STATE_HOME": "/nowhere"}
        time.tzset()
        asyncio.run(draw(Path(root), folder))
    sys.stdout.write(f"{len(SCREENS)} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
