"""`plot`: trait and coherence of one or more runs, drawn in the terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

CURVE = (
    "SELECT cycle, trait, trait_low, trait_high, coherence, n, nulls FROM trait_curve WHERE run_id = $run ORDER BY 1"
)


def plot(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Run ids, unique prefixes or names.")],
    width: Annotated[int | None, typer.Option(min=20, help="Columns; by default the terminal's.")] = None,
    height: Annotated[int, typer.Option(min=6, help="Lines of each chart.")] = 16,
    as_json: Json = False,
) -> None:
    """Draw trait and coherence over the generations."""
    from idemtui.cli.output import print_json, terminal
    from idemtui.cli.reading import chosen_run, open_client, rows
    from idemtui.console.charts import coherence_chart, draw, trait_chart

    with open_client(lab_of(context)) as client:
        chosen = list({run["run_id"]: run for run in (chosen_run(client, name) for name in runs)}.values())
        curves = [rows(client, CURVE, run=run["run_id"]) for run in chosen]
    if as_json:
        print_json(
            [
                {"run_id": run["run_id"], "name": run["name"], **point}
                for run, curve in zip(chosen, curves, strict=True)
                for point in curve
            ]
        )
        return
    facts = [_facts(run, curve) for run, curve in zip(chosen, curves, strict=True)]
    columns = width or shutil.get_terminal_size().columns
    console = terminal()
    for chart in (trait_chart(facts, facts[0]), coherence_chart(facts, facts[0])):
        console.print(draw(chart, columns, height), soft_wrap=True)
        sys.stdout.write("\n")
        sys.stdout.flush()
    console.print(_legend(facts))


def _facts(run: dict[str, Any], curve: list[dict[str, Any]]) -> Any:
    from idemtui.console.facts import Point, Run

    keys = ("run_id", "study", "name", "cell", "status", "trait", "model", "regime", "init", "reference", "rejected")
    counts = ("cycles", "seed", "n_seed", "n_sampled")
    points = tuple(
        Point(p["cycle"], p["trait"], p["trait_low"], p["trait_high"], p["coherence"], p["n"], p["nulls"])
        for p in curve
    )
    return Run(**{key: run[key] for key in (*keys, *counts)}, points=points)


def _legend(runs: list[Any]) -> Any:
    from rich.text import Text

    from idemtui.console.charts import COLOURS, MARKERS
    from idemtui.console.words import number, signed
    from idemtui.text import one_line

    legend = Text()
    for index, run in enumerate(runs):
        last = run.last
        measured = (
            f"trait {number(last.trait)}  Δ {signed(run.delta)}  coherence {number(last.coherence)}" if last else ""
        )
        colour = {"orange": "dark_orange"}.get(COLOURS[index % len(COLOURS)], COLOURS[index % len(COLOURS)])
        legend.append(f"{MARKERS[index % len(MARKERS)]} ", colour)
        legend.append(f"{one_line(run.name)}  {run.status}  {measured}\n")
    legend.rstrip()
    return legend
