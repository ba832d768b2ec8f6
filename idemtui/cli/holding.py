"""`hold` and `release`: a device kept free for somebody else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from store.client import Client

Device = Annotated[str | None, typer.Argument(metavar="DEVICE", help="`cpu`, a GPU's number, or its UUID.")]


def hold(context: typer.Context, device: Device = None, as_json: Json = False) -> None:
    """Start nothing more on a device until `release`; without one, say what is held. What runs there goes on."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import existing, served_client

    with served_client(existing(lab_of(context))) as client:
        answer = held_devices(client) if device is None else client.command("hold", device=device)
    if as_json:
        print_json(answer)
    elif device is None:
        sys.stdout.write(f"Held: {', '.join(answer['devices']) or 'nothing'}.\n")
    else:
        tell_held(answer)


def release(
    context: typer.Context,
    device: Device = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that is held.")] = False,
    as_json: Json = False,
) -> None:
    """Let the queue use a held device again."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import existing, served_client

    if (device is None) == (not every):
        raise UsageError("release: name one DEVICE (`cpu`, a GPU's number, its UUID), or say --all.")
    with served_client(existing(lab_of(context))) as client:
        answer = client.command("release", all=True) if every else client.command("release", device=device)
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write(f"Released: {', '.join(answer['devices']) or 'nothing was held'}.\n")


def held_devices(client: Client) -> dict[str, Any]:
    """The devices that are held now."""
    rows = client.command("status")["devices"]
    return {"devices": [row["device"] for row in rows if row["state"] == "held"]}


def hold_device_of(client: Client, run_id: str) -> None:
    """Hold the device that a run is worked on now; a run that no worker has holds none."""
    workers = client.command("status")["workers"]
    device = next((row["device"] for row in workers if row["run_id"] == run_id), None)
    if device is None:
        sys.stderr.write(f"idemtui: run {run_id} is on no device now; `idemtui hold DEVICE` keeps one free.\n")
    else:
        answer = client.command("hold", device=device)
        tell_held({**answer, "running": [other for other in answer["running"] if other != run_id]})


def tell_held(answer: dict[str, Any]) -> None:
    """What is held, and what still runs there; beside the command's own answer, so on stderr."""
    running = answer["running"]
    tail = f"; {', '.join(running)} go on there until paused" if len(running) > 1 else ""
    tail = tail or (f"; {running[0]} goes on there until paused" if running else "")
    sys.stderr.write(f"{answer['device']} is held{tail}; `idemtui release {answer['device']}` gives it back.\n")
