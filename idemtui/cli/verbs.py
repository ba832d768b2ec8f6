"""`pause`, `resume`, `cancel`, `retry` and `priority`: what people ask of runs and jobs that the queue knows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import IdemtuiError, UsageError
from idemtui.cli.options import Json, Run, Runs, lab_of

if TYPE_CHECKING:
    from store.client import Client

Answer = dict[str, Any]
SomeRuns = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]…", help="Run ids, unique prefixes of them, or names.")
]


def pause(
    context: typer.Context,
    runs: Runs,
    hold: Annotated[bool, typer.Option("--hold", help="Keep their devices free for somebody else, too.")] = False,
    as_json: Json = False,
) -> None:
    """Stop runs at their next safe point; they hold no process and no device memory until `resume`."""
    from idemtui.cli.holding import hold_device_of

    def ask(client: Client, run_id: str) -> Answer:
        if hold:
            hold_device_of(client, run_id)
        return client.command("pause", run_id=run_id)

    _ask_each(context, runs, ask, as_json=as_json)


def cancel(context: typer.Context, runs: Runs, as_json: Json = False) -> None:
    """Take runs out of the queue, or stop them at their next safe point; `resume RUN` goes on all the same."""
    _ask_each(context, runs, lambda client, run_id: client.command("cancel", run_id=run_id), as_json=as_json)


def resume(
    context: typer.Context,
    runs: SomeRuns = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every run that ended early and that nobody paused or cancelled.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Queue paused, interrupted, failed or cancelled runs again; each goes on from its journal. Returns at once."""
    _queue_again(context, "resume", runs, every=every, as_json=as_json)


def retry(
    context: typer.Context,
    runs: SomeRuns = None,
    every: Annotated[bool, typer.Option("--all", help="Every run that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Queue failed runs again; each goes on from its journal. Returns at once."""
    _queue_again(context, "retry", runs, every=every, as_json=as_json)


def priority(
    context: typer.Context,
    run: Run,
    number: Annotated[int, typer.Argument(metavar="N", help="Higher goes first; 0 is usual, below 0 needs a `--`.")],
    as_json: Json = False,
) -> None:
    """Move a waiting run: a higher number goes first, equal ones in the order they were queued."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_works, existing, served_client

    with served_client(existing(lab_of(context))) as client:
        [chosen] = chosen_works(client, [run])
        answer = client.command("prioritize", run_id=chosen["run_id"], priority=number)
    if as_json:
        print_json(answer)
    else:
        print_answers([{**answer, "name": chosen["name"]}])


def _queue_again(context: typer.Context, verb: str, runs: list[str] | None, *, every: bool, as_json: bool) -> None:
    if bool(runs) == every:
        raise UsageError(f"{verb}: name a RUN or several, or say --all.")
    if runs:
        _ask_each(context, runs, lambda client, run_id: _again(client, verb, run_id), as_json=as_json)
        return
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import existing, rows, served_client
    from idemtui.cli.secrets import needed_by, tell_missing, values_of

    with served_client(existing(lab_of(context))) as client:
        needed = needed_by(client, None)
        answers = client.command(verb, all=True, secrets=values_of(needed))["runs"]
        named = "SELECT run_id, name FROM runs UNION ALL SELECT job_id, name FROM jobs"
        names = {row["run_id"]: row["name"] for row in rows(client, named)}
        if answers:
            tell_missing(client, needed_by(client, [answer["run_id"] for answer in answers]))
    if as_json:
        print_json(answers)
    elif not answers:
        sys.stdout.write(f"Nothing to {verb}.\n")
    print_answers([] if as_json else [{**answer, "name": names.get(answer["run_id"], "")} for answer in answers])


def _again(client: Client, verb: str, run_id: str) -> Answer:
    from idemtui.cli.secrets import needed_by, tell_missing, values_of

    needed = needed_by(client, [run_id])
    answer: Answer = client.command(verb, run_id=run_id, secrets=values_of(needed))["runs"][0]
    tell_missing(client, needed)
    return answer


def _ask_each(
    context: typer.Context, runs: Sequence[str], ask: Callable[[Client, str], Answer], *, as_json: bool
) -> None:
    """Ask for one run after the other; a refusal of one does not keep the others from being asked."""
    from idemtui.cli.output import print_json, tell
    from idemtui.cli.reading import chosen_works, existing, served_client

    answers, code = [], 0
    with served_client(existing(lab_of(context))) as client:
        for run in chosen_works(client, runs):
            try:
                answers.append({**ask(client, run["run_id"]), "name": run["name"]})
            except IdemtuiError as error:
                tell(str(error))
                answers.append({"run_id": run["run_id"], "name": run["name"], "answer": None, "error": str(error)})
                code = max(code, error.exit_code)
    if as_json:
        print_json(answers)
    else:
        print_answers([answer for answer in answers if "error" not in answer])
    raise typer.Exit(code)


def print_answers(answers: Sequence[Answer]) -> None:
    """What became of each run, one line each: id, name, answer, and when it will come true."""
    from idemtui.text import one_line

    for answer in answers:
        words = (answer["run_id"], answer.get("name"), " ".join(filter(None, (answer["answer"], answer.get("when")))))
        sys.stdout.write("  ".join(one_line(word) for word in words if word) + "\n")
