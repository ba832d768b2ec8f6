"""`run` and `demo`: a study file becomes queued runs, followed until they end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Priority, lab_of, on_terminal
from idemtui.text import one_line

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from idemtui.console.facts import Run
    from store.client import Client
    from store.lab import Lab

DEMO = Path(__file__).parent.parent / "demo.toml"

Detach = Annotated[bool, typer.Option("--detach", help="Queue it and return at once.")]
Headless = Annotated[bool, typer.Option("--headless", help="Follow in plain lines.")]
Again = Annotated[bool, typer.Option("--again", help="New runs of the same settings, beside the old ones.")]


def run(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="A study file.")],
    detach: Detach = False,
    headless: Headless = False,
    again: Again = False,
    priority: Priority = 0,
    as_json: Json = False,
) -> None:
    """Queue a study and follow it: what the lab holds unfinished goes on, what it holds finished stays."""
    from engine.study import resolve_study

    if detach and headless:
        raise UsageError("run: --detach returns at once, --headless follows; give one of them.")
    lab, specs = lab_of(context), resolve_study(study)
    tell_judging(lab, specs)
    queued = submit(lab, specs, again=again, priority=priority)
    if not detach:
        raise typer.Exit(follow_to_verdict(lab, queued, live=not headless and on_terminal(), as_json=as_json))
    print_queued(queued, as_json=as_json)


def demo(
    context: typer.Context,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the demo's.")] = None,
    detach: Detach = False,
    headless: Headless = False,
    again: Again = False,
    priority: Priority = 0,
    as_json: Json = False,
) -> None:
    """Run the demo study, trait bliss on the pocket models: no GPU, no download, a few minutes."""
    from engine.study import resolve_study

    if detach and headless:
        raise UsageError("demo: --detach returns at once, --headless follows; give one of them.")
    lab = lab_of(context)
    specs = resolve_study(DEMO, overrides=None if seed is None else {"run.seed": seed})
    queued = submit(lab, specs, again=again, priority=priority)
    if detach:
        print_queued(queued, as_json=as_json)
    elif headless or as_json or not on_terminal():
        raise typer.Exit(follow_to_verdict(lab, queued, live=False, as_json=as_json))
    else:
        raise typer.Exit(watch(lab, queued, specs[0].study))


def tell_judging(lab: Lab, specs: list[RunSpec], of: str = "") -> None:
    """What judging by a server will take, on stderr before anything is queued; nothing where all judges are local.

    `of` says in front what is judged, where that is not the runs themselves.
    """
    if not any(spec.judge.server for spec in specs):
        return
    from idemtui.cli.output import tell
    from idemtui.preflight.check import machine_of, past_of, preflight
    from idemtui.preflight.words import judging_words
    from store.client import connect

    with connect(lab) as client:
        found = preflight(specs, past_of(client), machine_of(lab, None), models=None)
    if found.judge_requests:
        tell(f"{of}{judging_words(found)}; what the lab knows is not asked again")


def submit(lab: Lab, specs: list[RunSpec], *, again: bool, priority: int = 0) -> list[dict[str, Any]]:
    """Queue the runs; what became of each, in order. Says on stderr which other runs were interrupted."""
    from idemtui.cli.standing import lab_status, tell_interrupted
    from idemtui.server.start import ensure_server

    with ensure_server(lab) as client:
        queued = queue_specs(client, specs, again=again, priority=priority)
        tell_interrupted(lab_status(client))
    return queued


def queue_specs(client: Client, specs: list[RunSpec], *, again: bool, priority: int) -> list[dict[str, Any]]:
    """Queue the runs with the server's device and share of threads, and the secrets that they name."""
    from idemtui.cli.secrets import tell_missing, values_of

    status = client.command("status")
    where = {"threads": status["threads"], "device": status["device"]}
    placed = [s.model_copy(update={"execution": s.execution.model_copy(update=where)}) for s in specs]
    documents = [spec.model_dump(mode="json") for spec in placed]
    needed = {name for spec in specs for name in spec.execution.secrets}
    fields = {"specs": documents, "again": again, "priority": priority, "secrets": values_of(needed)}
    queued: list[dict[str, Any]] = client.command("submit", **fields)["runs"]
    tell_missing(client, needed)
    return queued


def print_queued(queued: list[dict[str, Any]], *, as_json: bool) -> None:
    """What became of each run."""
    from idemtui.cli.output import print_json
    from idemtui.cli.verbs import print_answers

    if as_json:
        print_json(queued)
    else:
        print_answers(queued)


def watch(lab: Lab, queued: list[dict[str, Any]], study: str) -> int:
    """The console on the study; when it closes, the verdicts so far and what still runs."""
    from idemtui.cli.progress import ended
    from idemtui.cli.verdict_rows import read_verdicts
    from idemtui.cli.verdicts import print_verdicts
    from idemtui.cli.watching import Watch
    from idemtui.console.opening import open_console

    code = open_console(lab, follow=study)
    run_ids = [run["run_id"] for run in queued]
    with Watch(lab, run_ids) as watching:
        seen = watching.look()
        print_verdicts(read_verdicts(watching.client, runs=run_ids))
    open_runs = [one_line(run.name) for run in seen if not ended(run)]
    if open_runs:
        sys.stdout.write(f"Still under way: {', '.join(open_runs)}. `idemtui` opens the console again.\n")
    return code or worst(seen)


def follow_to_verdict(lab: Lab, queued: list[dict[str, Any]], *, live: bool, as_json: bool) -> int:
    """Follow the runs until they end, then print the verdicts; 1 where a run failed, 130 after Ctrl-C."""
    from idemtui.cli.follow import follow_lines, follow_live, follow_silently
    from idemtui.cli.output import print_json
    from idemtui.cli.verdict_rows import read_verdicts
    from idemtui.cli.verdicts import print_verdicts
    from idemtui.cli.watching import Watch

    follow = follow_silently if as_json else follow_live if live else follow_lines
    run_ids = [run["run_id"] for run in queued]
    with Watch(lab, run_ids) as watching:
        try:
            seen = follow(watching.look)
        except KeyboardInterrupt:
            sys.stderr.write("idemtui: the runs go on without this terminal; `idemtui ls` shows them.\n")
            return 130
        verdicts = read_verdicts(watching.client, runs=run_ids)
    if as_json:
        print_json(outcomes(queued, seen, verdicts))
    else:
        print_verdicts(verdicts)
    return worst(seen)


def worst(runs: Sequence[Run]) -> int:
    """1 where a run failed or was cancelled, else 0."""
    return int(any(run.status in ("failed", "cancelled") for run in runs))


def outcomes(queued: list[dict[str, Any]], seen: Sequence[Run], verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What became of each run, for programs."""
    now = {run.run_id: run for run in seen}
    by_run = {row["run_id"]: row for row in verdicts if row["scope"] == "run"}
    return [
        {
            **run,
            "status": now[run["run_id"]].status,
            "message": now[run["run_id"]].message or None,
            "verdict": by_run.get(run["run_id"]),
        }
        for run in queued
    ]
