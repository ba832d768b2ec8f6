"""`ls`: the lab's runs at a glance, what they wait for, and what troubles the lab."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from idemtui.cli.standing import Status

RUNS = """
SELECT r.* EXCLUDE (spec), last.cycle AS cycle, last.trait AS trait_score, last.coherence AS coherence,
    d.delta AS delta, v.a AS a, v.amplified_by_paper, j.method AS judge_method
FROM runs AS r
LEFT JOIN (
    SELECT * FROM trait_curve QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY cycle DESC) = 1
) AS last USING (run_id)
LEFT JOIN deltas AS d ON d.run_id = r.run_id AND d.cycle = last.cycle AND last.cycle > 0
LEFT JOIN verdicts AS v ON v.run_id = r.run_id AND v.scope = 'run'
LEFT JOIN run_judges AS o ON o.run_id = r.run_id AND o.metric = 'trait'
LEFT JOIN judges AS j ON j.judge_id = o.judge_id AND j.metric = o.metric
ORDER BY r.created_at, r.study, r.run_id
"""


def ls(
    context: typer.Context,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Jobs instead: seed data and other work that is no run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the lab's runs: status, newest generation, Δ, coherence; who waits, who is silent, what troubles the lab."""
    from idemtui.cli.jobs import list_jobs
    from idemtui.cli.output import print_json, tell
    from idemtui.cli.reading import open_lab, rows
    from idemtui.cli.standing import lab_troubles, standing

    client, status = open_lab(lab_of(context))
    with client:
        if jobs:
            list_jobs(client, as_json=as_json)
            return
        runs = [{**run, **standing(run, status)} for run in rows(client, RUNS)]
        unread = rows(client, "SELECT error FROM ingest_errors ORDER BY run_id, file")
    for row in unread:
        tell(f"not read: {row['error']}")
    if as_json:
        for line in lab_troubles(status):
            tell(line)
        print_json(runs)
    else:
        _print_runs(runs, status)


def _print_runs(runs: list[dict[str, Any]], status: Status) -> None:
    from idemtui.cli.output import print_table
    from idemtui.cli.standing import remarks, status_cell
    from idemtui.console.words import number, signed
    from idemtui.drawn import naming_drawn

    shown = [
        {
            "id": run["run_id"],
            "run": run["name"],
            "study": run["study"],
            "trait": run["trait"],
            "status": status_cell(run),
            "cycle": f"{generation_of(run['cycle'])}/{run['cycles']}",
            "score": number(run["trait_score"]),
            "Δ": signed(run["delta"]),
            "coherence": number(run["coherence"]),
            "judge": run["judge_method"],
        }
        for run in runs
    ]
    columns = ["id", "run", "study", "trait", "status", "cycle", "score", "Δ", "coherence"]
    if len({run["study"] for run in runs}) == 1:
        columns.remove("study")
    spare = ("study", "trait", "score")
    columns = naming_drawn(columns, shown)
    print_table(columns, shown, empty="No runs yet: `idemtui demo`, or `idemtui run STUDY.toml`.", spare=spare)
    sys.stdout.writelines(f"{line}\n" for line in remarks(runs, status))


def generation_of(cycle: int | None) -> str:
    """`base`, `M0`, …, or a dash before anything was measured."""
    from idemtui.console.words import generation

    return "–" if cycle is None else generation(cycle)
