"""What the Samples room costs in a lab of 1,000,000 samples, or of `SAMPLES_RUNS` times a thousand: `make benchmarks`.

The console runs here under Textual's pilot, the lab server in a process of its own, as people have it. A key counts
from its press until nothing is asked and nothing is left to draw, the text beside the list included. Nothing else
should run on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from idemtui.console.app import Console
from idemtui.console.feed import Pace
from store.client import connect
from store.lab import Lab
from store.rebuild import rebuild
from tests.benchmarks.lab_size import write_big_lab
from tests.idemtui.console.waiting import ledger_of, settled, until

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(2400)]

RUNS = int(os.environ.get("SAMPLES_RUNS", "1000"))
OFTEN, RARELY = "ea.*tion?", "zebra|qu"
WALK = (*["j"] * 20, *["pagedown"] * 20, "G", "g", *["k"] * 5, "end", *["pageup"] * 20)
TARGETS = {
    "opening Samples on one run, s": "≤ 0.3",
    "opening Samples on the whole lab, s": "≤ 0.3",
    "key to settled p50, ms": "",
    "key to settled p95, ms": "≤ 40",
    "a key while a search runs, ms": "≤ 40",
    "regex, first finds on the screen, s": "≤ 0.5",
    "regex that nothing matches, s": "",
    "sorted by trait, s": "",
    "sorted by jump, s": "",
    "ancestry of one answer, s": "",
    "phrases of one run, s": "",
}


@contextmanager
def served(lab: Lab) -> Iterator[None]:
    command = [sys.executable, "-m", "idemtui.server.main", "--lab", str(lab.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            with connect(lab) as client:
                while not client.served():
                    assert server.poll() is None
            yield
        finally:
            server.terminate()


@asynccontextmanager
async def opened(lab: Lab) -> AsyncIterator[Pilot[None]]:
    console = Console(lab, connect=lambda lab, _: connect(lab), pace=Pace(poll=600.0, status=600.0, quiet=600.0))
    async with console.run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        yield pilot


async def timed(pilot: Pilot[None], *keys: str) -> float:
    started = time.monotonic()
    await pilot.press(*keys)
    await settled(pilot)
    return time.monotonic() - started


async def listed(pilot: Pilot[None]) -> None:
    """Until the first lines of a list stand on the screen."""
    samples = ledger_of(pilot, "#samples")
    await until(pilot, lambda: samples.count and samples.row(0) is not None)


async def search(pilot: Pilot[None], pattern: str) -> tuple[float, float, float]:
    """Seconds to the first finds, of a key meanwhile, and until all is searched."""
    await pilot.press("slash")
    pilot.app.screen.query_one("#filter-line", Input).value = f"/{pattern}"
    started = time.monotonic()
    await pilot.press("enter")
    if pattern == OFTEN:
        await listed(pilot)
    first = time.monotonic() - started
    key = time.monotonic()
    await pilot.press("j")
    key = time.monotonic() - key
    await settled(pilot)
    return first, key, time.monotonic() - started


async def measured(lab: Lab) -> dict[str, float]:
    found: dict[str, float] = {}
    async with opened(lab) as pilot:
        started = time.monotonic()
        await pilot.press("3")
        await listed(pilot)
        found["opening Samples on one run, s"] = time.monotonic() - started
        await settled(pilot)
        found["ancestry of one answer, s"] = await timed(pilot, "G", "A")
        found["phrases of one run, s"] = await timed(pilot, "escape", "W")
        await pilot.press("escape", "p", "p", "p", "p")
        await settled(pilot)
        started = time.monotonic()
        await pilot.press("a")
        await listed(pilot)
        found["opening Samples on the whole lab, s"] = time.monotonic() - started
        await settled(pilot)
        assert ledger_of(pilot, "#samples").count == RUNS * 1000
        keys = sorted([await timed(pilot, key) for key in WALK])
        found["key to settled p50, ms"] = 1000 * keys[len(keys) // 2]
        found["key to settled p95, ms"] = 1000 * keys[int(len(keys) * 0.95)]
        first, key, _ = await search(pilot, OFTEN)
        found["regex, first finds on the screen, s"], found["a key while a search runs, ms"] = first, 1000 * key
        found["regex that nothing matches, s"] = (await search(pilot, RARELY))[2]
        await timed(pilot, "escape")
        found["sorted by trait, s"] = await timed(pilot, "s")
        await timed(pilot, "s")
        found["sorted by jump, s"] = await timed(pilot, "s")
    return found


async def test_what_the_samples_room_costs(tmp_path: Path) -> None:
    lab, _ = write_big_lab(tmp_path / "lab", RUNS)
    rebuild(lab)
    with served(lab):
        found = await measured(lab)
    print(f"\n{'':40}{RUNS * 1000:>12,}  wanted   (load of the machine {os.getloadavg()[0]:.1f})")
    for name, wanted in TARGETS.items():
        print(f"{name:40}{found[name]:>12,.3g}  {wanted}")
