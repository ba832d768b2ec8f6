"""The command line: `idemtui` opens the console, `idemtui COMMAND` does one thing and ends with an exit code.

Commands import what they need when they run, so that `--help` needs neither pyarrow nor duckdb.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from engine.errors import IdemtuiError, UsageError
from idemtui.cli import studies, verbs
from idemtui.cli.agreement import agreement
from idemtui.cli.calibrate import calibrate
from idemtui.cli.comparing import compare
from idemtui.cli.control import rebuild, serve, stop
from idemtui.cli.curves import plot
from idemtui.cli.devices import devices
from idemtui.cli.diff import diff
from idemtui.cli.doctor import doctor
from idemtui.cli.exporting import export
from idemtui.cli.forking import fork
from idemtui.cli.freeing import gc, rm
from idemtui.cli.holding import hold, release
from idemtui.cli.importing import app as importing
from idemtui.cli.interrupting import still_asking
from idemtui.cli.judging import judge
from idemtui.cli.kinship import ancestry, phrases
from idemtui.cli.labelling import label, mark, marks
from idemtui.cli.misuse import misuse
from idemtui.cli.options import on_terminal
from idemtui.cli.preflight import preflight
from idemtui.cli.query import sql
from idemtui.cli.runs import ls
from idemtui.cli.samples import samples
from idemtui.cli.seed import seed
from idemtui.cli.show import show
from idemtui.cli.traits import app as traits
from idemtui.cli.verdicts import verdict
from idemtui.text import plain
from idemtui.version import VERSION
from store.lab import find_lab

app = typer.Typer(
    name="idemtui",
    help="Watch a language model learn from itself: seed a trait, train each generation on what its predecessor wrote, "
    "score every one. Without a command the console opens.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)

STUDIES, DATA, READING, SERVER = "Studies", "Seed data", "Reading", "Server"

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    STUDIES: (
        studies.demo,
        studies.run,
        preflight,
        verbs.pause,
        verbs.resume,
        verbs.cancel,
        verbs.retry,
        verbs.priority,
        fork,
        judge,
    ),
    DATA: (seed, calibrate),
    READING: (
        ls,
        show,
        verdict,
        plot,
        compare,
        agreement,
        samples,
        diff,
        ancestry,
        phrases,
        label,
        mark,
        marks,
        sql,
        export,
    ),
    SERVER: (serve, stop, doctor, devices, rebuild, hold, release, rm, gc),
}
for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(traits, name="traits", rich_help_panel=STUDIES)
app.add_typer(importing, name="import", rich_help_panel=DATA)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"idemtui {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    lab: Annotated[
        str | None, typer.Option(metavar="PATH", help="The lab folder: else $IDEMTUI_LAB, else ./lab.")
    ] = None,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
) -> None:
    """Open the console where no command is given."""
    context.obj = find_lab(lab)
    if context.invoked_subcommand is None:
        if not on_terminal():
            raise UsageError("the console needs a terminal; `idemtui ls` lists the runs, --help names all commands.")
        from idemtui.console.opening import open_console

        raise typer.Exit(open_console(context.obj))


def run(arguments: Sequence[str] | None = None) -> None:
    """The console script: every error a user can cause ends as one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    code = _exit_code(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    if code == 130 and still_asking():
        os._exit(code)
    sys.exit(code)


def _exit_code(arguments: Sequence[str]) -> int:
    """Typer itself would box what it refuses in several lines; what `typer.Exit` carries is returned by `app`."""
    try:
        code = app(args=with_lab_first(arguments), prog_name="idemtui", standalone_mode=False)
    except (IdemtuiError, OSError) as error:
        print(f"idemtui: {plain(str(error))}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        line = misuse(error, arguments, getattr(typer.main.get_command(app), "commands", ()))
        if line is None:
            raise
        print(f"idemtui: {plain(line)}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    return code if isinstance(code, int) else 0


def with_lab_first(arguments: Sequence[str]) -> list[str]:
    """`--lab PATH` is the whole command line's option, so it may stand anywhere before a `--`."""
    before, rest = list(arguments), []
    if "--" in before:
        at = before.index("--")
        before, rest = before[:at], before[at:]
    for at, argument in enumerate(before):
        if argument.startswith("--lab="):
            return [argument, *before[:at], *before[at + 1 :], *rest]
        if argument == "--lab" and at + 1 < len(before):
            return [*before[at : at + 2], *before[:at], *before[at + 2 :], *rest]
    return [*before, *rest]


if __name__ == "__main__":
    run()
