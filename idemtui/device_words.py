"""What a device does, in a few words: the same for the console and the command line.

The console's are coarse (`coarse`), so that a device at work is not drawn again for every watt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idemtui.text import one_line

Row = Mapping[str, Any]
PERCENT, WATTS, DEGREES = 5, 50, 5
SHARES = 30
MEMORY_STEPS = tuple(step * 10**8 for step in (1, 2, 5, 10, 20, 50, 100, 200))
"""What a console rounds to; of memory to the first step of which SHARES are no less than the whole."""


def coarse(row: Row) -> dict[str, Any]:
    """A row of `status` with figures that move only when something happened; no such figures where it has none.

    How busy the cores are is left out while no worker is on them: an idle lab is drawn once.
    """
    steps = {"utilization": PERCENT, "power": WATTS, "temperature": DEGREES}
    if row.get("device") == "cpu" and not row.get("processes"):
        del steps["utilization"]
    figures = {name: round(row[name] / step) * step for name, step in steps.items() if row.get(name) is not None}
    memory = _coarse_memory(row.get("memory_used"), row.get("memory_total"))
    processes = [{**process, "memory": _coarse_bytes(process.get("memory"))} for process in row.get("processes") or ()]
    return {**figures, **memory, "processes": processes, "more_processes": row.get("more_processes") or 0}


def _coarse_memory(used: int | None, total: int | None) -> dict[str, int]:
    """What is used in steps of some thirtieth of the whole: what other programs do beside an idle lab is no news."""
    if used is None or not total:
        return {}
    step = next((step for step in MEMORY_STEPS if step * SHARES >= total), MEMORY_STEPS[-1])
    return {"memory_used": min(round(used / step) * step, total), "memory_total": total}


def _coarse_bytes(count: int | None) -> int | None:
    if count is None:
        return None
    step = 10**8 if count < 10**10 else 10**9
    return round(count / step) * step


def memory_words(row: Row) -> str:
    """`61/80 GB`; nothing where it is not known."""
    used, total = row.get("memory_used"), row.get("memory_total")
    return "" if used is None or not total else f"{gigabytes(used)}/{gigabytes(total)} GB"


def gigabytes(count: int) -> str:
    """`0.9`, `61`: gigabytes, with a decimal below ten."""
    return f"{count / 1e9:.1f}" if count < 9.95e9 else f"{count / 1e9:.0f}"


def gauge_words(row: Row) -> str:
    """`61/80 GB used, 97 %, 610 W, 61 °C`, what is known of it."""
    gauges = (("utilization", "%"), ("power", "W"), ("temperature", "°C"))
    told = [f"{row[name]:.0f} {unit}" for name, unit in gauges if row.get(name) is not None]
    return ", ".join(word for word in (used_words(row), *told) if word)


def used_words(row: Row) -> str:
    """`61/80 GB used`; nothing where it is not known."""
    words = memory_words(row)
    return f"{words} used" if words else ""


def other_words(row: Row) -> str:
    """`bob: python 12 GB (process 77)` for every process that is not this lab's; nothing where there is none."""
    others = [process for process in row.get("processes") or () if not process.get("ours")]
    told = [process_words(process) for process in others]
    more = row.get("more_processes") or 0
    return ", ".join([*told, *([f"{more} more"] if more and others else [])])


def process_words(process: Row) -> str:
    """`bob: python 12 GB (process 77)`."""
    user, program, memory = process.get("user"), process.get("program"), process.get("memory")
    who = f"{one_line(user, 16) if user else 'somebody'}: {one_line(program, 16) if program else 'a process'}"
    return f"{who}{'' if memory is None else f' {gigabytes(memory)} GB'} (process {process['pid']})"


def together(rows: Sequence[Row]) -> str:
    """Several devices in one word: `310/640 GB used, 85 % busy`."""
    known = [row for row in rows if row.get("memory_total")]
    if not known:
        return ""
    total = {name: sum(row.get(name) or 0 for row in known) for name in ("memory_used", "memory_total")}
    busy = [row["utilization"] for row in known if row.get("utilization") is not None]
    return used_words(total) + (f", {sum(busy) / len(busy):.0f} % busy" if busy else "")
