"""`calibrate`: how many seed rows give which trait score, as a job; the dose–response curve in a table and a chart."""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Priority, lab_of

if TYPE_CHECKING:
    from engine.jobs.calibrate import CalibrateSettings
    from engine.spec import RunSpec
    from store.client import Client
    from store.lab import Lab

Regime = Literal["sft", "sdf", "dpo"]
Facts = dict[str, Any]
DOSES = """
SELECT n_seed, seed, trait, coherence, prompt_means, n, nulls FROM doses WHERE job_id = $job ORDER BY n_seed, seed
"""
HEIGHT = 14


def calibrate(
    context: typer.Context,
    trait: Annotated[str, typer.Argument(metavar="TRAIT", help="The trait that is seeded and scored.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help="pocket/…, a folder, or a hub id.")],
    regime: Annotated[Regime, typer.Option(help="How M0 is trained.")] = "sft",
    targets: Annotated[str, typer.Option(metavar="S,S,…", help="Scores to find an n_seed for.")] = "5,20,40,60,80",
    tolerance: Annotated[float, typer.Option(min=0.1, max=50, help="A score so near to a target will do.")] = 5.0,
    seeds: Annotated[str, typer.Option(metavar="N,N,…", help="Run seeds: every M0 is trained once with each.")] = "1",
    most: Annotated[int | None, typer.Option(min=1, metavar="N", help="Rows at most; else all there are.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="As in a study: data.pack, judge.model, execution.gpus, …"
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure anew what was measured before.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    priority: Priority = 0,
    as_json: Json = False,
) -> None:
    """Find the n_seed of each target score by bisection over the first n seed rows; show the dose–response curve."""
    from engine.jobs.calibrate import CalibrateSettings, run_sections
    from engine.jobs.resolving import resolve_job
    from idemtui.cli.forking import parse_changes
    from idemtui.cli.jobs import finish_job, submit_job
    from idemtui.cli.studies import tell_judging

    lab, wanted = lab_of(context), _numbers("--targets", targets, 100)
    stated = {"run.model": model, "run.trait": trait, "run.regime": regime, **parse_changes(changes or ())}
    spec = first_run(stated, most)
    settings = CalibrateSettings(
        targets=tuple(sorted(wanted)),
        most=spec.run.n_seed,
        tolerance=tolerance,
        seeds=tuple(int(seed) for seed in _numbers("--seeds", seeds, 2**31, whole=True)),
        run=run_sections(spec),
    )
    job = resolve_job(
        "calibrate",
        f"calibrate-{trait}-{regime}",
        settings,
        model=model,
        judge=spec.judge.local_model,
        secrets=(spec.judge.key_name,) if spec.judge.key_name else (),
        pack_files=spec.provenance.pack_files,
        backend=spec.execution,
    )
    if not as_json:
        tell_judging(lab, [spec], of="each M0 and its base: ")
    queued = submit_job(lab, job, again=again, priority=priority)
    ended = finish_job(lab, queued, detach=detach, as_json=as_json)
    _report(lab, queued, ended, settings, as_json=as_json)
    raise typer.Exit(int(ended is not None and ended["status"] != "finished"))


def _report(lab: Lab, queued: Facts, ended: Facts | None, settings: CalibrateSettings, *, as_json: bool) -> None:
    """What was found and what judging took; `ended` is None where nobody waited for it."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import served_client
    from idemtui.cli.spending import spent_on, spent_words

    with served_client(lab) as client:
        client.sync()
        spent = spent_on(client, queued["job_id"])
        if as_json:
            doses = dose_table(client, queued["job_id"])
            chosen = [] if ended is None else [vars(choice) for choice in _choices(settings, doses)]
            told = {"doses": doses, "targets": chosen, "spent": spent}
            print_json({**queued, "status": ended["status"] if ended else None, **told})
        elif ended is not None:
            sys.stdout.write("".join(f"judging: {line}\n" for line in spent_words(spent)))
            print_doses(client, queued["job_id"], settings.model_dump(mode="json"))


def first_run(stated: Facts, most: int | None) -> RunSpec:
    """The run whose M_0 is calibrated, resolved as a study's would be, on all seed rows there are, at most `most`."""
    from pathlib import Path

    from engine.packs import open_pack
    from engine.resolving import build, fill
    from engine.seed_files import read_seed_file
    from engine.spec import Execution

    if isinstance(stated.get("data.seed"), str):
        stated = {**stated, "data.seed": str(Path(stated["data.seed"]).expanduser().absolute())}
        rows = len(read_seed_file(Path(stated["data.seed"]), stated["run.regime"]))
    else:
        pack = open_pack(str(stated.get("data.pack", "pocket")))
        rows = len(pack.seed_rows(stated["run.trait"], stated["run.regime"]))
    if most is not None and most > rows:
        raise UsageError(f"--most {most}: there are {rows} seed rows; allowed: 1…{rows}.")
    values = {**stated, "run.n_seed": most or rows, "run.cycles": 0}
    return build(fill("calibrate", "calibrate", values), Execution(threads=1))


def _numbers(option: str, text: str, most: float, *, whole: bool = False) -> list[float]:
    try:
        found = [float(int(part) if whole else float(part)) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 <= number <= most for number in found) or len(set(found)) < len(found):
        kind = "whole numbers" if whole else "numbers"
        raise UsageError(f"{option} {text}: different {kind} from 0 to {most:g} are needed, such as 1,2,3.")
    return found


def dose_table(client: Client, job_id: str) -> list[Facts]:
    """One row per n_seed: mean score, its 90 % interval and where that comes from, coherence, answers, nulls."""
    from idemtui.cli.reading import rows

    groups: dict[int, list[Facts]] = defaultdict(list)
    for row in rows(client, DOSES, job=job_id):
        groups[row["n_seed"]].append(row)
    return [_dose(n, group) for n, group in groups.items()]


def _dose(n: int, group: list[Facts]) -> Facts:
    """With several seeds the interval is over seeds, with one over the eval prompts of that M_0."""
    import numpy as np

    from store.intervals import mean_or_none, t_interval

    traits = [row["trait"] for row in group if row["trait"] is not None]
    over_seeds = len(traits) > 1
    values = traits if over_seeds else [mean for row in group for mean in row["prompt_means"] or []]
    found = t_interval(np.array(values, dtype=float)) if values else None
    return {
        "n_seed": n,
        "trait": mean_or_none(traits),
        "low": found.low if found else None,
        "high": found.high if found else None,
        "over": "seeds" if over_seeds else "prompts",
        "seeds": len(group),
        "coherence": mean_or_none(row["coherence"] for row in group),
        "n": sum(row["n"] for row in group),
        "nulls": sum(row["nulls"] for row in group),
    }


def _choices(settings: CalibrateSettings, doses: list[Facts]) -> list[Any]:
    return settings.search.chosen({dose["n_seed"]: dose["trait"] for dose in doses})


def print_doses(client: Client, job_id: str, plain: Facts) -> None:
    """Table, chart, what each target came to, and the snippet for a study."""
    from engine.jobs.calibrate import CalibrateSettings
    from engine.jobs.doses import snippet
    from idemtui.cli.output import print_table, terminal
    from idemtui.console.charts import draw
    from idemtui.console.words import interval, number
    from idemtui.drawn import naming_drawn
    from store.methods import judge_methods

    settings, doses = CalibrateSettings.model_validate(plain), dose_table(client, job_id)
    method = judge_methods(client, [job_id]).get(job_id)
    shown = [
        {
            **dose,
            "score of M0": number(dose["trait"]),
            "90 % interval": f"{interval(dose['low'], dose['high'])} over {dose['over']}",
            "coherence": number(dose["coherence"]),
            "null": dose["nulls"],
            "judge": method,
        }
        for dose in doses
    ]
    columns = ("n_seed", "score of M0", "90 % interval", "coherence", "judge", "seeds", "n", "null")
    print_table(naming_drawn(columns, shown), shown, empty="Nothing measured yet.", spare=("null", "n", "seeds"))
    if len(doses) < 2:
        return
    sys.stdout.write("\n")
    sys.stdout.flush()
    width = shutil.get_terminal_size().columns
    terminal().print(draw(dose_chart(doses, settings), width, HEIGHT), soft_wrap=True)
    choices = _choices(settings, doses)
    words = [{"target": f"{c.target:g}", "n_seed": c.n_seed, "score": c.score, "note": c.reason} for c in choices]
    sys.stdout.write("\n")
    print_table(("target", "n_seed", "score", "note"), words)
    sys.stdout.write(f"\n{snippet(settings.run['run']['trait'], settings.run['run']['regime'], choices)}")


def dose_chart(doses: list[Facts], settings: CalibrateSettings) -> Any:
    """The dose–response curve with its intervals and the targets as lines."""
    from idemtui.console.charts import Chart, Level, Series

    points = tuple((float(dose["n_seed"]), dose["trait"]) for dose in doses if dose["trait"] is not None)
    bounds = tuple(
        (float(dose["n_seed"]), max(dose["low"], 0.0), min(dose["high"], 100.0))
        for dose in doses
        if dose["low"] is not None and dose["high"] is not None
    )
    levels = tuple(Level(target, f"{target:g}") for target in settings.targets)
    edges = (0, settings.most // 4, settings.most // 2, 3 * settings.most // 4, settings.most)
    ticks = tuple((float(n), str(n)) for n in dict.fromkeys(edges))
    return Chart("score of M0 by n_seed", (Series("M0", points, bounds),), levels, ticks, (0, 100))
