"""`devices`: what runs can run on, what it is doing, and who else is on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from store.lab import Lab

Row = dict[str, Any]


def devices(context: typer.Context, as_json: Json = False) -> None:
    """Say of every device whether it is free, how full and busy it is, whose processes are on it. Starts nothing."""
    from idemtui.cli.output import print_json

    found = devices_of(lab_of(context))
    if as_json:
        print_json(found)
    else:
        _print(found)


def devices_of(lab: Lab) -> list[Row]:
    """As the lab's server tells it, with the run of each; as seen from here where none answers."""
    from idemtui.doctor.patient import ask_status

    answer, status, _ = ask_status(lab, 2.0)
    if answer != "answered":
        return [{**row, "runs": []} for row in _seen_from_here(lab)]
    workers = [worker for worker in status.get("workers") or () if worker.get("run_id")]
    return [
        {**row, "runs": [worker["run_id"] for worker in workers if row["device"] in worker["device"].split(",")]}
        for row in status.get("devices") or ()
    ]


def _seen_from_here(lab: Lab) -> list[Row]:
    from idemtui.server.seen import places_seen

    return places_seen(lab).table([])


def _print(found: list[Row]) -> None:
    from idemtui.cli.output import print_table
    from idemtui.device_words import memory_words, process_words

    rows = [
        {
            "device": row["name"] if row["device"] != "cpu" else "cpu",
            "state": row["state"],
            "memory": memory_words(row) or None,
            "busy": _with(row.get("utilization"), "%"),
            "power": _with(row.get("power"), "W"),
            "heat": _with(row.get("temperature"), "°C"),
            "runs": ", ".join(row["runs"]) or None,
        }
        for row in found
    ]
    print_table(list(rows[0]) if rows else [], rows, spare=("heat", "power"))
    for row in found:
        called = row["name"].partition(":")[0] if row["device"] != "cpu" else "cpu"
        for process in row.get("processes") or ():
            whose = "this lab's worker" if process["ours"] else "somebody else's"
            sys.stdout.write(f"{called}: {process_words(process)}, {whose}\n")
        if row.get("more_processes"):
            sys.stdout.write(f"{called}: {row['more_processes']} smaller processes more\n")
        if row.get("reason"):
            sys.stdout.write(f"{called}: {row['reason']}\n")


def _with(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:.0f} {unit}"
