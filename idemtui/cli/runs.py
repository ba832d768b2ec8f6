"""`ls`: the lab's runs at a glance, what they wait for, and what troubles the lab."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import ByJudge, Json, lab_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idemtui.cli.standing import Status
    from idemtui.listing import Line, View
    from store.client import Client
    from store.queries import Verdict

Row = dict[str, Any]
RUNS = """
SELECT r.* EXCLUDE (spec), last.cycle AS cycle, last.trait AS trait_score, last.coherence AS coherence,
    d.deltas[-1] AS delta, d.deltas, v.a AS a, v.l AS l, v.ci_low, v.ci_high, v.suffixes, v.amplified_by_paper,
    j.method AS judge_method
FROM runs AS r
LEFT JOIN (
    SELECT * FROM trait_curve QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY cycle DESC) = 1
) AS last USING (run_id)
LEFT JOIN (
    SELECT run_id, list(delta ORDER BY cycle) AS deltas FROM deltas WHERE cycle >= 1 GROUP BY run_id
) AS d USING (run_id)
LEFT JOIN verdicts AS v ON v.run_id = r.run_id AND v.scope = 'run'
LEFT JOIN run_judges AS o ON o.run_id = r.run_id AND o.metric = 'trait'
LEFT JOIN judges AS j ON j.judge_id = o.judge_id AND j.metric = o.metric
ORDER BY r.created_at, r.name, r.run_id
"""
SORTED = {
    "queued": "as queued", "arm": "regime, arm", "score": "s", "delta": "Δ", "coherence": "coh",
    **{name: name for name in ("run", "status", "study", "trait", "model", "seed", "cycle", "left", "A", "L")},
}  # fmt: skip
"""What `--sort` calls the console's orders."""
SPARE = ("Δ curve", "L [90 %]", "A", "study", "trait", "left", "arm", "score")
NONE_YET = "No runs yet: `idemtui demo`, or `idemtui run STUDY.toml`."


def ls(
    context: typer.Context,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Jobs instead: seed data and other work that is no run.")
    ] = False,
    sort: Annotated[
        str, typer.Option("--sort", metavar="KEY", help=f"By {', '.join(SORTED)}; what has no value stands last.")
    ] = "queued",
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="The order turned round.")] = False,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="WORDS",
            help="Only runs with all these words; `study:demo`, `status:live` and the like look in one field.",
        ),
    ] = "",
    group: Annotated[
        str | None, typer.Option("--group", metavar="study|cell", help="A line above each study, or each cell.")
    ] = None,
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """List the lab's runs: status, newest generation, Δ, coherence; who waits, who is silent, what troubles the lab."""
    from idemtui.cli.jobs import list_jobs
    from idemtui.cli.judged_runs import by_judge
    from idemtui.cli.output import tell
    from idemtui.cli.reading import open_lab, rows
    from idemtui.cli.standing import lab_troubles, standing
    from idemtui.listing import arrange
    from store.judged import chosen_judge
    from store.queries import verdicts

    view = view_of(sort, reverse, filter_, group)
    client, status = open_lab(lab_of(context))
    with client:
        if jobs:
            list_jobs(client, as_json=as_json)
            return
        found = {run["run_id"]: {**run, **standing(run, status), "judge": None} for run in rows(client, RUNS)}
        told = verdicts(client) if judge is None and needs_verdicts(view) else []
        if judge is not None:
            by = chosen_judge(client, list(found), judge)
            found, told = by_judge(client, found, by, of_cells=view.by == "cell")
        lines = arrange(_glance(client, found, told), view)
        unread = rows(client, "SELECT error FROM ingest_errors ORDER BY run_id, file")
    for row in unread:
        tell(f"not read: {row['error']}")
    if as_json:
        for line in lab_troubles(status):
            tell(line)
        _print_json(lines, found)
    else:
        _print_runs(lines, found, status, view)


def view_of(sort: str, reverse: bool, words: str, group: str | None) -> View:
    """What was asked for; UsageError for an order or a grouping that is none."""
    from engine.errors import UsageError
    from idemtui.listing import GROUPINGS, View

    if sort not in SORTED:
        raise UsageError(f"--sort {sort!r}: allowed are {', '.join(SORTED)}.")
    by = next((one for one in GROUPINGS if one == (group or "")), None)
    if by is None or group == "":
        raise UsageError(f"--group {group!r}: allowed are {', '.join(filter(None, GROUPINGS))}.")
    return View(SORTED[sort], reverse, words, by=by)


def needs_verdicts(view: View) -> bool:
    """Whether the table is ordered or headed by verdicts."""
    return view.by == "cell" or view.order in ("A", "L")


def _glance(client: Client, found: dict[str, Row], told: Sequence[Verdict]) -> Any:
    """The runs as facts, with only their newest point, and the verdicts that were asked for."""
    from idemtui.console.facts import Glance, Point, run_of
    from idemtui.live import stages_of

    stages = stages_of(client, {id_: run["cycles"] for id_, run in found.items() if run["status"] == "running"})
    by_run = {verdict.run_id: verdict for verdict in told if verdict.scope == "run"}
    runs = []
    for id_, run in found.items():
        point = Point(run["cycle"], run["trait_score"], coherence=run["coherence"], delta=run["delta"])
        points = [] if run["cycle"] is None else [point]
        runs.append(run_of(run, points, stage=stages.get(id_), verdict=by_run.get(id_)))
    return Glance(tuple(runs), tuple(verdict for verdict in told if verdict.scope == "cell"))


def _print_json(lines: Sequence[Line], found: dict[str, Row]) -> None:
    """Runs; under headings these, each with its runs."""
    from dataclasses import asdict

    from idemtui.cli.output import print_json
    from idemtui.cli.run_lines import run_fields
    from idemtui.listing import Heading

    told: list[Row] = []
    for line in lines:
        if isinstance(line, Heading):
            verdict = asdict(line.verdict) if line.verdict else None
            told.append({"group": line.title, "runs": [], "delta": line.delta, "verdict": verdict})
        else:
            into = told[-1]["runs"] if told and "group" in told[-1] else told
            into.append({**found[line.run.run_id], **run_fields(line.run)})
    print_json(told)


def _print_runs(lines: Sequence[Line], found: dict[str, Row], status: Status, view: View) -> None:
    from idemtui.cli.output import print_table
    from idemtui.cli.run_lines import heading_cells, run_cells
    from idemtui.cli.standing import remarks
    from idemtui.drawn import naming_drawn
    from idemtui.listing import Entry, Heading
    from idemtui.text import one_line

    runs = [found[line.run.run_id] for line in lines if isinstance(line, Entry)]
    shown = [
        heading_cells(line) if isinstance(line, Heading) else run_cells(line.run, found[line.run.run_id], line.depth)
        for line in lines
    ]
    columns = [
        "id",
        "run",
        "study",
        "trait",
        "arm",
        "status",
        "left",
        "cycle",
        "score",
        "Δ",
        "coherence",
        "Δ curve",
        "A",
    ]
    columns.append("L [90 %]")
    if view.by == "study" or len({run["study"] for run in runs}) == 1:
        columns.remove("study")
    if not any(run["status"] == "running" for run in runs):
        columns.remove("left")
    columns = naming_drawn(columns, shown)
    empty = NONE_YET if not found else f"No run has these words: {view.words!r}."
    print_table(columns, shown, empty=empty, spare=SPARE)
    sys.stdout.writelines(f"scores by {one_line(by)}\n" for by in {run["judge"] for run in runs} if by)
    sys.stdout.writelines(f"{line}\n" for line in remarks(runs, status))
