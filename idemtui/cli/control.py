"""`resume`, `cancel`, `serve`, `stop` and `rebuild`: what people tell the queue, the server and the memory."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from engine.errors import LabError, UsageError
from idemtui.cli.options import Json, Run, lab_of
from store.lab import Lab


def resume(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run id, a unique prefix, or a name.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run that ended early and was not cancelled.")] = False,
    as_json: Json = False,
) -> None:
    """Queue unfinished runs again; each goes on from its journal. Returns at once."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_run
    from idemtui.server.start import ensure_server

    if (run is None) == (not every):
        raise UsageError("resume: name one RUN, or say --all.")
    lab = existing_lab(context)
    with ensure_server(lab) as client:
        request: dict[str, Any] = {"all": True} if run is None else {"run_id": chosen_run(client, run)["run_id"]}
        answers = client.command("resume", **request)["runs"]
    if as_json:
        print_json(answers)
    elif not answers:
        sys.stdout.write("Nothing to resume.\n")
    print_answers([] if as_json else answers)


def cancel(context: typer.Context, run: Run, as_json: Json = False) -> None:
    """Take a run out of the queue, or stop it at its next safe point; `resume` goes on."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_run
    from idemtui.server.start import ensure_server

    lab = existing_lab(context)
    with ensure_server(lab) as client:
        answer = client.command("cancel", run_id=chosen_run(client, run)["run_id"])
    if as_json:
        print_json(answer)
    else:
        print_answers([answer])


def print_answers(answers: list[dict[str, Any]]) -> None:
    """What the queue made of each request, one line each."""
    for answer in answers:
        sys.stdout.write(
            f"{answer['run_id']}  {answer.get('name', '')}{'  ' if 'name' in answer else ''}{answer['answer']}\n"
        )


def existing_lab(context: typer.Context) -> Lab:
    """The lab; LabError where its folder is missing."""
    lab = lab_of(context)
    if not lab.root.is_dir():
        raise LabError(
            f"no lab in {lab.root}; `idemtui demo` or `idemtui run STUDY.toml` makes one, --lab names another."
        )
    return lab


def serve(
    context: typer.Context,
    slots: Annotated[int | None, typer.Option(min=1, help="Workers side by side; else $IDEMTUI_SLOTS.")] = None,
    idle: Annotated[float | None, typer.Option(metavar="SECONDS", help="Go after this idle time; else never.")] = None,
) -> None:
    """Run the lab's server in the foreground until Ctrl-C; workers outlive it."""
    import math

    from idemtui.server.main import serve_lab
    from idemtui.server.options import ServerOptions

    lab = lab_of(context)
    options = ServerOptions(slots=slots, idle_seconds=math.inf if idle is None else idle)
    raise typer.Exit(serve_lab(lab, options, announce=lambda line: print(line, flush=True)))


def stop(context: typer.Context, as_json: Json = False) -> None:
    """End the lab's server; workers go on and the next server finds them."""
    from idemtui.cli.output import print_json
    from idemtui.server.stop import stop_server

    answer = stop_server(existing_lab(context))
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
        answer = rebuild_lab(existing_lab(context))
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write(f"Rebuilt {answer['database']}: {answer['runs']} runs, {answer['events']} events.\n")
        for error in answer["errors"]:
            sys.stdout.write(f"not read: {error}\n")
