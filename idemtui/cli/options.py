"""Options that several commands share, and what the command line knows before any command runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from engine.errors import UsageError
from store.lab import Lab

Json = Annotated[bool, typer.Option("--json", help="Print JSON: an array for a table, else one object.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run id, a unique prefix of one, or a run's name.")]
Work = Annotated[str, typer.Argument(metavar="RUN", help="A run or job: its id, a unique prefix of it, or its name.")]
Runs = Annotated[list[str], typer.Argument(metavar="RUN…", help="Run ids, unique prefixes of them, or names.")]
ByJudge = Annotated[
    str | None,
    typer.Option("--judge", metavar="NAME", help="By this judge (its id, its model or a part), not each run's own."),
]
Prompt = Annotated[str | None, typer.Option(metavar="TEXT", help="Part of the prompt, or its id.")]
Priority = Annotated[int, typer.Option(metavar="N", help="A higher number goes first; 0 is usual.")]


def lab_of(context: typer.Context) -> Lab:
    """The lab that `--lab`, $IDEMTUI_LAB or ./lab names."""
    lab = context.obj
    if not isinstance(lab, Lab):
        raise TypeError(f"no lab in the command's context but {lab!r}")
    return lab


def metric_of(named: str) -> str:
    """A metric as the options name it; UsageError for what can be none."""
    if named in ("trait", "coherence") or (named.startswith("trait:") and named != "trait:"):
        return named
    raise UsageError(f"--metric {named!r}: no such metric; allowed: trait, coherence, trait:OTHER.")


def on_terminal() -> bool:
    """Whether a person sits at both ends and the terminal can draw."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
