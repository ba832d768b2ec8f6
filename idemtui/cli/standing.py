"""What only a living server knows of runs: who waits and why, who is silent, what was interrupted; all in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import ServerError
from idemtui.amounts import size, span
from idemtui.cli.output import tell
from idemtui.text import one_line

if TYPE_CHECKING:
    from store.client import Client

Status = Mapping[str, Any]
Run = dict[str, Any]
MOST_NAMES = 5


def lab_status(client: Client) -> Status:
    """The server's facts; empty where no server answers."""
    try:
        return client.command("status")
    except ServerError:
        return {}


def tell_interrupted(status: Status) -> None:
    """One line on stderr where runs were interrupted and nobody has gone on with them."""
    interrupted: Sequence[Run] = status.get("interrupted") or ()
    if interrupted:
        tell(interrupted_line(interrupted))


def interrupted_line(interrupted: Sequence[Run]) -> str:
    """Which runs, why where it was the same for all, and what to do."""
    count, messages = len(interrupted), {run.get("message") for run in interrupted}
    cause = messages.pop() if len(messages) == 1 else None
    which = f"{count} runs were interrupted" if count > 1 else "1 run was interrupted"
    why = f" ({one_line(cause).removeprefix('interrupted: ').rstrip('.')})" if cause else ""
    them = "them" if count > 1 else "it"
    return f"{which}{why}: {names(interrupted)}; `idemtui resume --all` goes on with {them}."


def names(runs: Sequence[Run]) -> str:
    """The first names, and how many more."""
    shown = ", ".join(one_line(run["name"]) for run in runs[:MOST_NAMES])
    return shown + (f" and {len(runs) - MOST_NAMES} more" if len(runs) > MOST_NAMES else "")


def standing(run: Run, status: Status) -> Run:
    """What the server knows of one run: place in the queue, priority, waiting reason, worker, its silence."""
    waiting: Sequence[Run] = status.get("waiting") or ()
    place = next((n for n, one in enumerate(waiting, 1) if one["run_id"] == run["run_id"]), None)
    asked = waiting[place - 1] if place else {}
    worker = next((one for one in status.get("workers") or () if one["run_id"] == run["run_id"]), None)
    return {
        "queue_position": place,
        "priority": asked.get("priority") or 0 if place else None,
        "waiting_reason": asked.get("reason"),
        "worker": worker,
        "silent_seconds": silence(run, worker, status),
    }


def silence(run: Run, worker: Run | None, status: Status) -> float | None:
    """For how long a worker has said nothing, where that is longer than the lab's `silent_seconds`."""
    if run["status"] != "running" or worker is None or worker.get("silent_seconds") is None:
        return None
    allowed = (status.get("settings") or {}).get("silent_seconds") or 0
    seconds: float = worker["silent_seconds"]
    return seconds if seconds >= allowed else None


def status_cell(run: Run) -> str:
    """A run's status in a word or two: `queued #2 p5`, `silent 31 min`."""
    if run["silent_seconds"] is not None:
        return f"silent {span(run['silent_seconds'])}"
    if run["status"] == "running" and run["message"]:
        return "silent"
    if run["status"] != "queued" or not run["queue_position"]:
        return str(run["status"])
    return f"queued #{run['queue_position']}" + (f" p{run['priority']}" if run["priority"] else "")


def remarks(runs: Sequence[Run], status: Status) -> list[str]:
    """What a list of runs has to say beside its table; nothing where all is well."""
    return [*_waits(runs), *_silences(runs), *lab_troubles(status)]


def _waits(runs: Sequence[Run]) -> list[str]:
    by_reason: dict[str, list[Run]] = defaultdict(list)
    for run in sorted((run for run in runs if run["waiting_reason"]), key=lambda run: run["queue_position"]):
        by_reason[run["waiting_reason"]].append(run)
    return [f"waiting: {names(waiting)}: {one_line(reason)}" for reason, waiting in by_reason.items()]


def _silences(runs: Sequence[Run]) -> list[str]:
    silent = [run for run in runs if status_cell(run).startswith("silent")]
    return [f"silent: {one_line(r['name'])}: {silence_words(r)}; `idemtui show` has its log's end." for r in silent]


def silence_words(run: Run) -> str:
    """What is known of a silent worker."""
    if run["message"]:
        return one_line(run["message"]).rstrip(".")
    return f"process {run['worker']['pid']} has said nothing for {span(run['silent_seconds'])}"


def lab_troubles(status: Status) -> list[str]:
    """A full disk, and what keeps the server from its work."""
    lines = []
    disk = status.get("disk") or {}
    if disk.get("low"):
        lines.append(
            f"disk: {size(disk['free_bytes'])} free, less than the reserve of {size(disk['reserve_bytes'])}: "
            "runs pause until there is room; `idemtui gc` and `rm` make some."
        )
    if status.get("trouble"):
        lines.append(f"server: {one_line(status['trouble'])}")
    return lines
