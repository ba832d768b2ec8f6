"""`doctor`: the state of the lab and its server, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from idemtui.doctor.check import Check

STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red"}
NAMES = 12


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Explain the lab's state: folder, server, queue, devices, database, logout. Starts and changes nothing."""
    from dataclasses import asdict

    from idemtui.cli.output import print_json
    from idemtui.doctor.examination import examine

    checks = examine(lab_of(context))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        _print_checks(checks)
    raise typer.Exit(int(any(check.level == "bad" for check in checks)))


def _print_checks(checks: list[Check]) -> None:
    from textwrap import wrap

    from rich.text import Text

    from idemtui.cli.output import terminal
    from idemtui.text import one_line

    console = terminal()
    room = max(console.width, 40) - NAMES - 6 if console.is_terminal else 10_000
    for check in checks:
        lines = wrap(one_line(check.what), room, break_on_hyphens=False)
        lines += wrap(f"→ {one_line(check.advice)}", room, break_on_hyphens=False) if check.advice else []
        head = Text(f"{check.level:<6}", STYLES[check.level]) + Text(f"{check.name:<{NAMES}}{lines[0]}", "")
        console.print(head, soft_wrap=True)
        console.file.writelines(f"{' ' * (NAMES + 6)}{line}\n" for line in lines[1:])
    sys.stdout.flush()
