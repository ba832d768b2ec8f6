"""`serve`, `stop` and `rebuild`: what people tell the server and the memory."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, lab_of
from idemtui.cli.reading import existing


def serve(
    context: typer.Context,
    slots: Annotated[int | None, typer.Option(min=1, help="Workers side by side; else as server.toml says.")] = None,
    idle: Annotated[float | None, typer.Option(metavar="SECONDS", help="Go after this idle time; else never.")] = None,
    go_on: Annotated[bool, typer.Option("--go-on", help="Queue again what a crash or reboot interrupted.")] = False,
    install: Annotated[
        bool, typer.Option("--install", help="Write and start a systemd user unit that serves this lab from boot on.")
    ] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Stop and remove that unit.")] = False,
) -> None:
    """Run the lab's server in the foreground until Ctrl-C, or leave it to systemd; workers outlive it."""
    import math

    from idemtui.server.main import serve_lab
    from idemtui.server.options import ServerOptions
    from idemtui.server.stop import stop_server
    from idemtui.server.survival import has_user_manager
    from idemtui.server.unit import install_unit, uninstall_unit
    from store.lab import create_lab

    lab = lab_of(context)
    if install and uninstall:
        raise UsageError("serve: --install or --uninstall, not both.")
    if uninstall:
        _say(uninstall_unit(existing(lab)))
        return
    idle_seconds = math.inf if idle is None else idle
    options = ServerOptions(slots=slots, idle_seconds=idle_seconds, go_on=go_on or install)
    if install:
        create_lab(lab)
        if has_user_manager():
            stop_server(lab)
        _say(install_unit(lab, options.command(lab.root)))
        return
    raise typer.Exit(serve_lab(lab, options, announce=lambda line: print(line, flush=True)))


def _say(lines: list[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def stop(context: typer.Context, as_json: Json = False) -> None:
    """End the lab's server; workers go on and the next server finds them."""
    from idemtui.cli.output import print_json
    from idemtui.server.stop import stop_server

    answer = stop_server(existing(lab_of(context)))
    if as_json:
        print_json(answer)
    elif not answer["stopped"]:
        sys.stdout.write("No server was running.\n")
    else:
        left = len(answer["workers"])
        tail = f"; {left} worker{'s' if left != 1 else ''} went on" if left else ""
        sys.stdout.write(f"Server {answer['pid']} stopped{tail}.\n")


def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Make lab.duckdb anew from the lab's journals."""
    from idemtui.cli.output import print_json, waiting
    from idemtui.server.rebuild import rebuild_lab

    with waiting("reading journals"):
        answer = rebuild_lab(existing(lab_of(context)))
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write(f"Rebuilt {answer['database']}: {answer['runs']} runs, {answer['events']} events.\n")
        for error in answer["errors"]:
            sys.stdout.write(f"not read: {error}\n")
