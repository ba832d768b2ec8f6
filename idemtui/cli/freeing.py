"""`rm` and `gc`: disk space back, after showing what would go and being told to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Runs, lab_of

if TYPE_CHECKING:
    from store.client import Client

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would go, and change nothing.")]
Keep = Literal["all", "last", "ends"]
Facts = dict[str, Any]

CONTENTS = """
WITH said AS (SELECT sample_id FROM labels UNION ALL SELECT sample_id FROM marks)
SELECT run_id, name, status, (SELECT count(*) FROM cycles AS c WHERE c.run_id = r.run_id AND c.cycle >= 0) AS cycles,
    (SELECT count(*) FROM samples AS s JOIN said AS w USING (sample_id) WHERE s.run_id = r.run_id) AS said
FROM (
    SELECT run_id, name, status, created_at FROM runs UNION ALL SELECT job_id, name, status, created_at FROM jobs
) AS r WHERE list_contains($runs, run_id) ORDER BY created_at, run_id
"""


def rm(context: typer.Context, runs: Runs, yes: Yes = False, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete runs or jobs with everything they hold; not those that run or that forks need.

    What people said of their samples stays in notes.jsonl; without the samples it counts nowhere.
    """
    from idemtui.amounts import size
    from idemtui.cli.output import print_json, tell
    from idemtui.cli.reading import chosen_works, existing, served_client

    check_allowed("rm", yes=yes, dry_run=dry_run, as_json=as_json)
    with served_client(existing(lab_of(context))) as client:
        chosen = chosen_works(client, runs)
        plan = client.command("remove", run_ids=[run["run_id"] for run in chosen], dry_run=True)
        contents = _contents(client, plan["removed"])
        if not as_json:
            _print_contents(contents)
            sys.stdout.write(_kept(contents))
        what = f"{counted(contents, 'run')} with {_cycles(contents)}, {size(plan['bytes'])}"
        answer = plan
        if not dry_run and plan["removed"]:
            ask_whether(f"Delete {what}, for good?", yes=yes)
            answer = client.command("remove", run_ids=plan["removed"])
            answer["refused"] = [*plan["refused"], *answer["refused"]]
    names = {run["run_id"]: run["name"] for run in chosen}
    for refused in answer["refused"]:
        tell(f"{names.get(refused['run_id'], refused['run_id'])} stays: {refused['reason']}")
    if as_json:
        print_json({**answer, "dry_run": dry_run, "notes_kept": _said(contents)})
    elif plan["removed"]:
        sys.stdout.write(f"{'Would delete' if dry_run else 'Deleted'} {what}.\n")
    raise typer.Exit(int(bool(answer["refused"])))


def gc(
    context: typer.Context,
    keep: Annotated[
        Keep | None,
        typer.Option(help="Adapters that stay: every cycle's, the last one's, or M0's and the last one's."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete adapters of finished runs beyond what is to be kept; those that forks need stay, and so does all text."""
    from idemtui.amounts import size
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import existing, served_client
    from idemtui.cli.standing import lab_status

    check_allowed("gc", yes=yes, dry_run=dry_run, as_json=as_json)
    with served_client(existing(lab_of(context))) as client:
        policy = keep or (lab_status(client).get("settings") or {}).get("keep") or "all"
        answer = client.command("clean", keep=policy, dry_run=True)
        runs = answer["runs"]
        if not as_json:
            _print_adapters(runs)
        if runs and not dry_run:
            ask_whether(f"Delete {_adapters(runs)} of {counted(runs, 'run')}, {size(answer['bytes'])}?", yes=yes)
            answer = client.command("clean", keep=policy)
    if as_json:
        print_json({**answer, "keep": policy, "dry_run": dry_run})
    elif not runs:
        hint = "; --keep ends or --keep last frees some" if policy == "all" else ""
        sys.stdout.write(f"Nothing to delete: keep = {policy}{hint}.\n")
    else:
        done = "Would delete" if dry_run else "Deleted"
        sys.stdout.write(f"{done} {_adapters(answer['runs'])}, {size(answer['bytes'])}.\n")


def check_allowed(verb: str, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """UsageError where nobody can be asked and nobody said yes."""
    if yes or dry_run:
        return
    if as_json or not someone_there():
        raise UsageError(f"{verb}: nobody can be asked here; say --yes, or --dry-run to see what would go.")


def someone_there() -> bool:
    """Whether a person reads what is written and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask_whether(question: str, *, yes: bool) -> None:
    """Return where the answer is yes; end with 1 where it is anything else."""
    if yes:
        return
    sys.stdout.flush()
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        sys.stdout.write("Nothing was deleted.\n")
        raise typer.Exit(1)


def _contents(client: Client, run_ids: Sequence[str]) -> list[Facts]:
    from idemtui.cli.reading import rows

    return rows(client, CONTENTS, runs=list(run_ids))


def _print_contents(contents: Sequence[Facts]) -> None:
    from idemtui.cli.output import print_table

    if contents:
        shown = [{"id": run["run_id"], "run": run["name"], **run} for run in contents]
        print_table(("id", "run", "status", "cycles"), shown)


def _said(contents: Sequence[Facts]) -> int:
    return sum(run["said"] for run in contents)


def _kept(contents: Sequence[Facts]) -> str:
    """What stays of people's words, which nothing could bring back."""
    count = _said(contents)
    if not count:
        return ""
    what = f"What people said of their samples ({count} labels, marks and remarks)"
    return f"{what} stays in notes.jsonl; it counts again only where the same run is made anew.\n"


def _print_adapters(runs: Sequence[Facts]) -> None:
    from idemtui.amounts import size
    from idemtui.cli.output import print_table
    from idemtui.console.words import generation

    if runs:
        shown = [
            {
                "id": run["run_id"],
                "run": run["name"],
                "adapters": " ".join(generation(cycle) for cycle in run["cycles"]),
                "size": size(run["bytes"]),
            }
            for run in runs
        ]
        print_table(("id", "run", "adapters", "size"), shown)


def counted(things: Sequence[object], word: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _cycles(contents: Sequence[Facts]) -> str:
    return counted(range(sum(run["cycles"] for run in contents)), "trained cycle")


def _adapters(runs: Sequence[Facts]) -> str:
    return counted([cycle for run in runs for cycle in run["cycles"]], "adapter")
