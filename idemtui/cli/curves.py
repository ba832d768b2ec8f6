"""`plot`: trait and coherence of one or more runs, drawn in the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import ByJudge, Json, lab_of

if TYPE_CHECKING:
    from rich.text import Text

    from idemtui.console.facts import Run
    from store.controls import Beside
    from store.queries import Point

Row = dict[str, Any]
Ends = Mapping[int, tuple[float, float]]
"""By cycle the ends of coherence's interval."""
JUDGES = "SELECT run_id, judge_id FROM run_judges WHERE metric = 'trait' AND list_contains($runs, run_id)"


def plot(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Run ids, unique prefixes or names.")],
    width: Annotated[int | None, typer.Option(min=20, help="Columns; by default the terminal's.")] = None,
    height: Annotated[int, typer.Option(min=6, help="Lines of each chart.")] = 16,
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """Draw trait and coherence over the generations; around the first run its intervals and what its controls did."""
    from idemtui.cli.output import print_json, terminal
    from idemtui.cli.reading import chosen_runs, open_client, rows
    from idemtui.console.charts import draw
    from idemtui.console.facts import run_of, shown_point
    from idemtui.console.run_charts import beside_chart, coherence_chart
    from store.controls import beside
    from store.judged import chosen_judge, judged_chains, judged_curves
    from store.measures import coherence_bounds
    from store.methods import judge_methods
    from store.queries import curves

    with open_client(lab_of(context)) as client:
        chosen = chosen_runs(client, runs)
        ids = [run["run_id"] for run in chosen]
        by = None if judge is None else chosen_judge(client, ids, judge)
        held = curves(client, ids) if by is None else judged_curves(judged_chains(client, ids, by))
        stands, methods = beside(client, ids, by), judge_methods(client, ids, by)
        sure = {run_id: coherence_bounds(client, run_id, by) for run_id in (ids if as_json else ids[:1])}
        judges = {row["run_id"]: row["judge_id"] for row in rows(client, JUDGES, runs=ids)}
    if as_json:
        told = ({**run, "judge_method": methods.get(run["run_id"])} for run in chosen)
        print_json([row for run in told for row in _rows(run, held, stands[run["run_id"]], sure[run["run_id"]])])
        return
    facts = [run_of(run, [shown_point(point) for point in held[run["run_id"]]]) for run in chosen]
    columns = width or shutil.get_terminal_size().columns
    console = terminal()
    bounds = [(cycle, *ends) for cycle, ends in sure[ids[0]].items()]
    for chart in (beside_chart(facts, facts[0], stands[ids[0]]), coherence_chart(facts, facts[0], bounds)):
        console.print(draw(chart, columns, height), soft_wrap=True)
        sys.stdout.write("\n")
        sys.stdout.flush()
    console.print(_legend(facts, stands[ids[0]], methods))
    sys.stdout.write(_who_judged(facts, judges, by))


def _rows(run: Row, curves: Mapping[str, Sequence[Point]], stands: Beside, sure: Ends) -> list[Row]:
    """A run's points with the null band of Δ; then those of its no-seed controls, whose `beside` names the run."""
    band = {"null_low": stands.band.low, "null_high": stands.band.high, "null_count": stands.band.count}
    named = {"name": run["name"], "judge_method": run["judge_method"]}
    own = [{**asdict(p), **_ends(sure.get(p.cycle)), **named, "beside": None, **band} for p in curves[run["run_id"]]]
    nothing = {**dict.fromkeys(band), **_ends(None)}
    return own + [
        {**asdict(point), **named, "name": control.name, "beside": run["run_id"], **nothing}
        for control in stands.no_seed
        for point in control.points
    ]


def _ends(sure: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = sure or (None, None)
    return {"coherence_low": low, "coherence_high": high}


def _who_judged(runs: Sequence[Run], judges: dict[str, str], chosen: str | None) -> str:
    """Whose scores are drawn, where that is not plain: those of a chosen judge, or of several."""
    from idemtui.text import one_line

    if chosen is not None:
        return f"all of it by the judge {one_line(chosen)}\n"
    if len(set(judges.values())) < 2:
        return ""
    told = "; ".join(f"{run.name} by {judges[run.run_id]}" for run in runs if run.run_id in judges)
    return f"these curves are of different judges and no one scale: {one_line(told)}\n"


def _legend(runs: Sequence[Run], stands: Beside, methods: Mapping[str, str]) -> Text:
    from rich.text import Text

    from idemtui.console.charts import COLOURS, MARKERS
    from idemtui.console.facts import Glance
    from idemtui.console.run_charts import beside_words, drawn_controls
    from idemtui.console.words import number, signed
    from idemtui.drawn import drawn_mark
    from idemtui.text import one_line

    legend, called = Text(), Glance(tuple(runs)).called
    for index, run in enumerate(runs):
        last = run.last
        measured = (
            f"trait {number(last.trait)}  Δ {signed(run.delta)}  coherence {number(last.coherence)}" if last else ""
        )
        measured += drawn_mark(methods.get(run.run_id))
        colour = {"orange": "dark_orange"}.get(COLOURS[index % len(COLOURS)], COLOURS[index % len(COLOURS)])
        legend.append(f"{MARKERS[index % len(MARKERS)]} ", colour)
        legend.append(f"{called(run.run_id)}  {run.status}  {measured}\n")
    for sign, name in drawn_controls(runs, stands):
        legend.append(f"{sign} {one_line(name)}  no-seed control\n", "bright_black")
    legend.append(f"{beside_words(stands)}\n", "bright_black")
    legend.rstrip()
    return legend
