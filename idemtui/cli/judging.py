"""`judge`: finished runs are judged anew, beside their own scores, as a job."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Priority, lab_of, metric_of

if TYPE_CHECKING:
    from engine.jobs.spec import JobSpec
    from engine.spec import JudgeSettings
    from store.client import Client
    from store.lab import Lab

Facts = dict[str, Any]
CHARACTERS_PER_TOKEN = 4
ANSWERS = """
SELECT count(*) AS answers, coalesce(sum(length(prompt) + length(response)), 0) AS characters
FROM samples WHERE purpose = 'eval' AND list_contains($runs, run_id)
"""
OWN = "SELECT DISTINCT spec -> '$.judge' AS judge FROM runs WHERE list_contains($runs, run_id)"


def judge(
    context: typer.Context,
    run: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs whose answers are judged anew.")],
    model: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL", help="Who judges: else the run's own judge.")
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="A server that knows it: …/v1, or openai.")] = None,
    method: Annotated[Literal["logprobs", "sampled"], typer.Option(help="A server's: likeliest tokens, or draws.")] = (
        "logprobs"
    ),
    draws: Annotated[int, typer.Option(min=2, max=100, help="Numbers drawn per answer with --method sampled.")] = 5,
    key: Annotated[str | None, typer.Option(metavar="NAME", help="The variable that holds the server's key.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="trait, coherence or trait:OTHER; else trait.")] = None,
    rubric: Annotated[Path | None, typer.Option(metavar="FILE", help="Another rubric, for one metric.")] = None,
    repeat: Annotated[int, typer.Option(min=1, metavar="K", help="2: ask the same judge a second time.")] = 1,
    requests_per_minute: Annotated[float | None, typer.Option(min=0.001, help="Most requests a minute.")] = None,
    price_input: Annotated[float | None, typer.Option(min=0, help="What a million tokens read cost you.")] = None,
    price_output: Annotated[float | None, typer.Option(min=0, help="What a million tokens written cost you.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    priority: Priority = 0,
    as_json: Json = False,
) -> None:
    """Judge finished runs anew by another model, server or rubric; curves keep each run's own judge."""
    from engine.judge_check import check_judge
    from idemtui.cli.jobs import finish_job, submit_job
    from idemtui.cli.output import tell
    from idemtui.cli.reading import chosen_runs, rows, served_client

    lab, metrics = lab_of(context), tuple(dict.fromkeys(map(metric_of, metric or ["trait"])))
    text = _rubric_text(rubric, metrics)
    stated = {
        "server": server, "method": method, "draws": draws, "key": key, "requests_per_minute": requests_per_minute,
        "price_input": price_input, "price_output": price_output,
    }  # fmt: skip
    with served_client(lab) as client:
        chosen = chosen_runs(client, run)
        ids = [one["run_id"] for one in chosen]
        settings = _judge_settings(client, ids, model, stated)
        check_judge("judge", settings)
        answers = rows(client, ANSWERS, runs=ids)[0]
    if not as_json:
        tell(estimate_words(settings, answers, metrics, text))
    queued = submit_job(lab, _job(chosen, metrics, settings, text, repeat), priority=priority)
    ended = finish_job(lab, queued, detach=detach, as_json=as_json)
    _report(lab, queued, ended, as_json=as_json)
    raise typer.Exit(int(ended is not None and ended["status"] != "finished"))


def _job(
    chosen: Sequence[Facts], metrics: tuple[str, ...], settings: JudgeSettings, rubric: str | None, repeat: int
) -> JobSpec:
    """The job, named after the first of its runs."""
    from engine.jobs.judge import RejudgeSettings
    from engine.jobs.resolving import resolve_job

    ids = tuple(run["run_id"] for run in chosen)
    again = RejudgeSettings(runs=ids, metrics=metrics, judge=settings, rubric=rubric, repeat=repeat)
    name = f"judge-{chosen[0]['name']}" + (f"-and-{len(ids) - 1}-more" if len(ids) > 1 else "")
    secrets = (settings.key_name,) if settings.key_name else ()
    return resolve_job("judge", name, again, judge=settings.local_model, secrets=secrets)


def _report(lab: Lab, queued: Facts, ended: Facts | None, *, as_json: bool) -> None:
    """What it took; `ended` is None where nobody waited for it."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import served_client
    from idemtui.cli.spending import spent_on, spent_words

    with served_client(lab) as client:
        spent = spent_on(client, queued["job_id"])
    if as_json:
        print_json({**queued, "status": ended["status"] if ended else None, "spent": spent})
    elif ended is not None:
        sys.stdout.write("".join(f"{line}\n" for line in spent_words(spent)))


def _rubric_text(path: Path | None, metrics: Sequence[str]) -> str | None:
    if path is None:
        return None
    if len(metrics) > 1:
        raise UsageError(f"judge: --rubric is for one metric, not {', '.join(metrics)}; call once for each.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"judge: --rubric {path}: cannot be read ({error}).") from None
    missing = [place for place in ("{question}", "{answer}") if place not in text]
    if missing:
        raise UsageError(f"judge: --rubric {path}: the place {' and '.join(missing)} is missing.")
    return text


def _judge_settings(client: Client, ids: list[str], model: str | None, stated: dict[str, Any]) -> JudgeSettings:
    """The stated judge, or the one that all these runs have."""
    from engine.spec import JudgeSettings
    from idemtui.cli.reading import rows

    if model is not None:
        return JudgeSettings(model=model, **stated)
    if stated["server"] is not None:
        raise UsageError("judge: --server needs --judge, the name that the server knows.")
    found = rows(client, OWN, runs=ids)
    own = {JudgeSettings.model_validate(json.loads(row["judge"])) for row in found}
    if len(own) != 1:
        raise UsageError(f"judge: these runs have {len(own)} judges of their own; name one with --judge.")
    return own.pop()


def estimate_words(settings: JudgeSettings, answers: dict[str, Any], metrics: Sequence[str], rubric: str | None) -> str:
    """What it will take at most, by four characters a token; the cost where both prices are given."""
    asked = answers["answers"] * len(metrics)
    requests = asked * (settings.draws if settings.method == "sampled" else 1)
    tokens = (answers["characters"] * len(metrics) + asked * len(rubric or "")) // CHARACTERS_PER_TOKEN
    tokens *= settings.draws if settings.method == "sampled" else 1
    if settings.server is None:
        return f"{asked} judgements by {settings.model}, less what the lab knows"
    words = f"{asked} judgements in {requests} requests or more, about {tokens} tokens besides the rubrics"
    if rubric is not None:
        words = words.replace(" besides the rubrics", "")
    if settings.price_input is not None and settings.price_output is not None:
        cost = (tokens * settings.price_input + 4 * requests * settings.price_output) / 1_000_000
        words += f", about {cost:.2f} at your prices"
    return f"{words}; what the lab knows is not asked again"
