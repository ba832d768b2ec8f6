"""Following runs until they end: a live table in a terminal, one plain line per happening everywhere else."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from idemtui.amounts import span
from idemtui.cli.progress import Pace, ended, share_done
from idemtui.console.facts import Run
from idemtui.console.words import doing, generation, number, signed
from idemtui.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

POLL_SECONDS = 0.5
BAR = 8
NUMBERS = ("trait", "Δ", "coherence")
Look = Callable[[], list[Run]]


def looks(look: Look) -> Iterator[list[Run]]:
    """What `look` sees, twice a second, the last time when every run has ended."""
    while True:
        seen = look()
        yield seen
        if all(map(ended, seen)):
            return
        time.sleep(POLL_SECONDS)


def follow_lines(look: Look) -> list[Run]:
    """One line when a run starts, finishes a generation or ends; returns the last look."""
    before: dict[str, Run] = {}
    seen: list[Run] = []
    for seen in looks(look):
        for run in seen:
            for line in happened(before.get(run.run_id), run):
                sys.stdout.write(f"{one_line(run.name)}: {line}\n")
            before[run.run_id] = run
        sys.stdout.flush()
    return seen


def follow_silently(look: Look) -> list[Run]:
    """Wait for the end and return the last look."""
    return deque(looks(look), maxlen=1)[0]


def happened(before: Run | None, now: Run) -> Iterator[str]:
    """What is new about a run, in words."""
    for measured in now.points[len(before.points) if before else 0 :]:
        yield (
            f"{generation(measured.cycle)} of {now.cycles}: trait {number(measured.trait)}, "
            f"coherence {number(measured.coherence)}"
        )
    if (before is None or before.status != now.status) and now.status != "finished":
        yield f"{now.status}{f': {one_line(now.message)}' if now.message else ''}"
    if now.status == "finished" and (before is None or before.status != "finished"):
        yield "finished"


def follow_live(look: Look) -> list[Run]:
    """A table that is redrawn in place; returns the last look."""
    from rich.live import Live

    from idemtui.cli.output import terminal

    seen: list[Run] = []
    pace: Pace | None = None
    with Live(console=terminal(), refresh_per_second=4, transient=False) as live:
        for seen in looks(look):
            pace = pace or Pace(time.monotonic(), sum(map(share_done, seen)))
            live.update(live_table(seen, pace.seconds_left(seen, time.monotonic()), live.console.width))
    return seen


def live_table(runs: Sequence[Run], seconds_left: float | None, width: int) -> Table:
    """One line per run: name, bar, what it is doing, trait and coherence so far."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", caption_justify="left")
    if seconds_left is not None:
        table.caption = f"about {span(max(seconds_left, 1))} to go; Ctrl-C leaves the runs going"
    names = min(max(len(run.name) for run in runs), max(width // 3, 12)) if runs else 12
    for name, least in (("run", names), ("", BAR), ("now", 12)):
        table.add_column(name, no_wrap=True, min_width=least)
    for name in NUMBERS:
        table.add_column(name, no_wrap=True, justify="right", min_width=max(len(name), 5))
    room = width - names - BAR - sum(max(len(name), 5) for name in NUMBERS) - 2 * 6
    for run in runs:
        trait, coherence = (run.last.trait, run.last.coherence) if run.last else (None, None)
        table.add_row(
            Text(one_line(run.name, names)),
            ProgressBar(total=1.0, completed=share_done(run), width=BAR),
            Text(one_line(now(run), max(room, 12))),
            number(trait),
            signed(run.delta),
            number(coherence),
        )
    return table


def now(run: Run) -> str:
    """`M2 train 40%` while it runs, else its status with the reason."""
    if run.live and run.stage is not None:
        return f"{generation(run.stage.cycle)} {doing(run)}"
    return f"{run.status}: {run.message}" if run.message and run.status != "finished" else run.status
