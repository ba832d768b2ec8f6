"""A preflight in lines, the same for the console and the command line."""

from __future__ import annotations

from idemtui.amounts import size, span
from idemtui.preflight.facts import Preflight, Source, StageEstimate

NAMES = {
    "sample_train": "draw",
    "sample_rejected": "draw rejected",
    "train": "train",
    "sample_eval": "draw eval",
    "likelihood": "likelihoods",
    "judge": "judge",
}
SOURCES: dict[Source, str] = {
    "measured": "measured in this lab",
    "shape": "from the model's shape",
    "mixed": "partly measured, partly from the model's shape",
    "unknown": "nothing to go by",
}


def runs_words(found: Preflight) -> str:
    """`20 runs: 16 + 3 controls …; 1 is finished, 2 would go on`."""
    words = f"{found.runs} runs" if found.runs != 1 else "1 run"
    if found.controls:
        words += f", {found.controls} of them controls"
    held = []
    if found.finished:
        held.append(f"{found.finished} finished in this lab already")
    if found.unfinished:
        held.append(f"{found.unfinished} there and would go on")
    return words + (f"; {', '.join(held)}" if held else "")


def time_words(found: Preflight) -> str:
    """How long all of it takes, and how that is known."""
    slots = found.machine.slots
    beside = f" with {slots} runs at a time" if slots > 1 else ""
    if found.seconds is None:
        return f"unknown ({SOURCES['unknown']})"
    return f"about {span(found.seconds)}{beside} ({SOURCES[found.source]})"


def memory_words(found: Preflight) -> str:
    """What a worker needs at its peak beside what there is."""
    machine = found.machine
    needed = (
        "unknown" if found.memory is None else f"about {size(found.memory)} a worker ({SOURCES[found.memory_source]})"
    )
    return f"{needed}; {machine.memory_of}: {size(machine.memory_free)} free"


def disk_words(found: Preflight) -> str:
    """What all of it leaves on the disk beside what there is."""
    machine = found.machine
    needed = "unknown" if found.disk is None else f"at most {size(found.disk)} (adapters, journals, database)"
    return f"{needed}; {size(machine.disk_free)} free, {size(machine.disk_reserve)} kept free"


def judging_words(found: Preflight) -> str:
    """How much the judge is asked, and how long that takes."""
    judge = next((stage for stage in found.stages if stage.stage == "judge"), None)
    seconds = judge.seconds if judge else None
    time = "time unknown" if seconds is None else f"about {span(seconds)}"
    price = "" if found.judge_price is None else f"; about {found.judge_price:.2f} by the stated prices"
    who = " and ".join(found.judges)
    asked = f" in {found.judge_requests:,} requests or more" if found.judge_requests else ""
    return f"{found.judgements:,} questions to {who}{asked}, about {tokens(found.judge_tokens)} read; {time}{price}"


def tokens(count: int) -> str:
    """`812 k tokens`, `3.4 M tokens`."""
    if count < 1_000_000:
        return f"{count / 1000:.0f} k tokens"
    return f"{count / 1e6:.1f} M tokens" if count < 1e9 else f"{count / 1e9:.1f} G tokens"


def facts(found: Preflight) -> list[tuple[str, str]]:
    """The summary: a word and a line each."""
    return [
        ("runs", runs_words(found)),
        ("time", time_words(found)),
        ("memory", memory_words(found)),
        ("disk", disk_words(found)),
        ("judging", judging_words(found)),
    ]


def stage_words(stage: StageEstimate) -> str:
    """`train  1,200 rows  4 min  measured in 3 runs`."""
    time = "unknown" if stage.seconds is None else span(stage.seconds)
    where = SOURCES[stage.source]
    if stage.source == "measured":
        where = f"measured in {stage.runs} run{'s' if stage.runs != 1 else ''} of this lab"
    return f"{NAMES[stage.stage]:14}{stage.items:>9,}  {time:>10}  {where}"
