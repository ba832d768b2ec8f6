"""`seed`: a generator writes a trait's seed data, as a job that can be killed and gone on with."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Priority, lab_of

if TYPE_CHECKING:
    from engine.jobs.seed import GeneratorServer, SeedSettings
    from engine.jobs.spec import JobSpec

Kind = Literal["sft", "sdf", "dpo"]


def seed(
    context: typer.Context,
    trait: Annotated[str, typer.Argument(metavar="TRAIT", help="A trait that the pack says how to seed.")],
    generator: Annotated[str, typer.Option(metavar="MODEL", help="Who writes: a hub id, a folder, or pocket/….")],
    count: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Rows to keep.")] = 100,
    server: Annotated[str | None, typer.Option(metavar="URL", help="A server that knows it: …/v1, or openai.")] = None,
    key: Annotated[str | None, typer.Option(metavar="NAME", help="The variable that holds the server's key.")] = None,
    requests_per_minute: Annotated[float | None, typer.Option(min=0.001, help="Most requests a minute.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests that a server is sent at once.")] = 8,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, help="How long one request may take.")] = 300.0,
    regime: Annotated[Kind, typer.Option(help="Answers, documents, or preference pairs.")] = "sft",
    pack: Annotated[str, typer.Option(metavar="PACK", help="A pack's folder, or traits.")] = "traits",
    random_seed: Annotated[int, typer.Option("--seed", min=0, help="Root of the draws.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest text, in tokens; longer ones are dropped.")] = 1024,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts drawn together.")] = 32,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy the rows there, too.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Write anew what was written with these settings.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    priority: Priority = 0,
    as_json: Json = False,
) -> None:
    """Have a model write a trait's seed data: the persona's answers, documents on the grid, or pairs."""
    from engine.jobs.seed import SeedSettings
    from engine.packs import open_pack
    from engine.spec import SampleSettings
    from idemtui.cli.jobs import finish_job, submit_job

    if out is not None and detach:
        raise UsageError("seed: --out copies the rows once they are written; leave --detach out, or copy them later.")
    pace = {"requests_per_minute": requests_per_minute, "concurrency": concurrency, "timeout_seconds": timeout_seconds}
    asked, lab = _server(server, {"key": key, **pace}), lab_of(context)
    open_pack(pack).trait(trait)
    sample = SampleSettings(temperature=1.0, max_tokens=max_tokens, batch_size=batch_size)
    plan: dict[str, Any] = {"trait": trait, "regime": regime, "n": count, "pack": pack, "seed": random_seed}
    settings = SeedSettings(**plan, generator=generator, server=asked, sample=sample)
    queued = submit_job(lab, _job(settings), again=again, priority=priority)
    ended = finish_job(lab, queued, detach=detach, as_json=as_json)
    status = ended["status"] if ended else None
    rows = lab.work(queued["job_id"]) / "rows.jsonl"
    if status == "finished" and out is not None:
        rows = shutil.copyfile(rows, out).absolute()
    _report({**queued, "status": status, "rows": str(rows)}, count, as_json=as_json)
    raise typer.Exit(int(status not in (None, "finished")))


def _job(settings: SeedSettings) -> JobSpec:
    """The job, with the model that it loads or the key that it needs."""
    from engine.jobs.resolving import resolve_job

    server = settings.server
    secrets = (server.key_name,) if server and server.key_name else ()
    name = f"seed-{settings.trait}-{settings.regime}-{settings.n}"
    return resolve_job("seed", name, settings, model=None if server else settings.generator, secrets=secrets)


def _report(told: dict[str, Any], count: int, *, as_json: bool) -> None:
    """Where the rows are, once they are written."""
    from idemtui.cli.output import print_json

    if as_json:
        print_json(told)
    elif told["status"] == "finished":
        rows = told["rows"]
        sys.stdout.write(f'{count} rows in {rows}\nA study trains on them with [data] seed = "{rows}".\n')


def _server(url: str | None, stated: dict[str, Any]) -> GeneratorServer | None:
    """The server that is asked; UsageError for an address or a key that cannot be."""
    from engine.jobs.seed import GeneratorServer
    from engine.judge_check import check_address, check_key

    if url is None:
        if stated["key"] is not None or stated["requests_per_minute"] is not None:
            raise UsageError(
                "seed: --key and --requests-per-minute need --server; the generator here is a local model."
            )
        return None
    check_key("seed: --key", stated["key"])
    check_address("seed: --server", url)
    return GeneratorServer(url=url, **stated)
