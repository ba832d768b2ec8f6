"""`preflight`: what a study would ask of this machine, before anything is queued."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from idemtui.preflight.facts import Preflight


def preflight(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="A study file.")],
    as_json: Json = False,
) -> None:
    """What a study would ask of this machine: its runs, memory, disk, time and judging. Queues nothing."""
    from engine.study import resolve_study
    from idemtui.cli.output import print_json
    from idemtui.cli.standing import lab_status
    from idemtui.preflight.check import machine_of, past_of
    from idemtui.preflight.check import preflight as checked
    from store.client import connect

    lab = lab_of(context)
    specs = resolve_study(study)
    with connect(lab) as client:
        found = checked(specs, past_of(client), machine_of(lab, lab_status(client)))
    if as_json:
        print_json(_record(found, specs))
    else:
        _print(found, specs)


def _record(found: Preflight, specs: list[RunSpec]) -> dict[str, Any]:
    runs = [{"run_id": s.run_id, "name": s.name, "cell": s.cell, "control": s.run.control} for s in specs]
    return {
        **asdict(found),
        "runs": found.runs,
        "seconds": found.seconds,
        "source": found.source,
        "warnings": list(found.warnings),
        "resolved": runs,
    }


def _print(found: Preflight, specs: list[RunSpec]) -> None:
    from idemtui.cli.output import print_table
    from idemtui.preflight.words import facts, stage_words

    rows = [{"run": s.name, "cell": s.cell, "seed": s.run.seed, "control": s.run.control} for s in specs]
    print_table(("run", "cell", "seed", "control"), rows)
    lines = ["", *(f"{word:9}{line}" for word, line in facts(found)), "", *map(stage_words, found.stages)]
    lines += [f"model: {line}" for line in found.models]
    lines += [f"assumed: {line}" for line in found.assumed]
    lines += [f"warning: {line}" for line in found.warnings]
    sys.stdout.write("\n".join(lines) + "\n")
