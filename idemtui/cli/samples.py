"""`samples`: reading what models wrote, one by one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from engine.errors import UsageError
from idemtui.cli.options import ByJudge, Json, Prompt, lab_of

if TYPE_CHECKING:
    from store.listing import Order, Where

Cycle = Annotated[int | None, typer.Option(help="One generation: −1 is base, 0 the seeded model.")]
SORTS = "drawn, trait, coherence, jump (since the generation before), length, time."


def samples(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run or job, else all runs.")] = None,
    study: Annotated[str | None, typer.Option(help="Runs of one study.")] = None,
    trait: Annotated[str | None, typer.Option(help="Runs of one trait.")] = None,
    cycle: Cycle = None,
    purpose: Annotated[str | None, typer.Option(help="seed, train, rejected or eval.")] = None,
    prompt: Prompt = None,
    min_score: Annotated[float | None, typer.Option(help="Trait score at least.")] = None,
    max_score: Annotated[float | None, typer.Option(help="Trait score at most.")] = None,
    label: Annotated[str | None, typer.Option(help="The judge's word: score, refusal, code, empty, …")] = None,
    mark: Annotated[str | None, typer.Option(help="A person's mark; any for all of them.")] = None,
    regex: Annotated[str | None, typer.Option(help="Only texts that match (RE2).")] = None,
    where: Annotated[str, typer.Option("--in", help="Where --regex looks: answers, prompts or both.")] = "answers",
    sort: Annotated[str, typer.Option(help=SORTS)] = "drawn",
    limit: Annotated[int, typer.Option(min=1, help="Samples at most.")] = 20,
    full: Annotated[bool, typer.Option("--full", help="Whole texts instead of one line each.")] = False,
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """Read samples with their scores: one run's, a job's texts, or the whole lab's."""
    from dataclasses import asdict

    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_works, open_client
    from store.judged import chosen_judge
    from store.listing import PURPOSES, Order, SampleFilter, Where, listed
    from store.methods import judge_methods

    _check("--purpose", purpose, PURPOSES)
    _check("--sort", sort, get_args(Order))
    _check("--in", where, get_args(Where))
    with open_client(lab_of(context)) as client:
        run_id = chosen_works(client, [run])[0]["run_id"] if run is not None else None
        names = dict(client.sql("SELECT run_id, name FROM runs UNION ALL SELECT job_id, name FROM jobs").tuples())
        by = None if judge is None else chosen_judge(client, [run_id] if run_id else list(names), judge)
        wanted = SampleFilter(
            run_id, study, trait, cycle, purpose, prompt, min_score, max_score, label, mark, regex,
            cast("Where", where), by,
        )  # fmt: skip
        lines = listed(client, wanted, cast("Order", sort), limit)
        methods = judge_methods(client, list({line.run_id for line in lines}), by)
    found = [{"run": names.get(line.run_id), **asdict(line), "judge": methods.get(line.run_id)} for line in lines]
    for one in found:
        del one["place"]
    if as_json:
        print_json([{**one, "judge_method": one.pop("judge")} for one in found])
    elif full:
        for sample in found:
            _print_full(sample)
    else:
        _print_lines(found, one_run=run is not None)


def _check(option: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise UsageError(f"{option} {value}: no such thing; allowed: {', '.join(allowed)}.")


def _print_lines(found: list[dict[str, Any]], *, one_run: bool) -> None:
    from idemtui.cli.output import print_table
    from idemtui.console.words import generation, signed
    from idemtui.drawn import naming_drawn

    shown = [
        {
            **sample,
            "cycle": generation(sample["cycle"]),
            "trait": score(sample, "trait"),
            "coherence": score(sample, "coherence"),
            "jump": signed(sample["jump"]),
        }
        for sample in found
    ]
    columns = ("run", "cycle", "purpose", "trait", "jump", "coherence", "judge", "prompt", "response")
    print_table(naming_drawn(columns[one_run:], shown), shown, empty="no such samples", spare=("jump", "purpose"))


def _print_full(sample: dict[str, Any]) -> None:
    from idemtui.cli.output import print_text
    from idemtui.console.words import generation, number
    from idemtui.drawn import drawn_mark

    facts = [f"{generation(sample['cycle'])} {sample['purpose']}", f"trait {score(sample, 'trait')}"]
    facts.append(f"coherence {score(sample, 'coherence')}{drawn_mark(sample['judge'])}")
    facts += [f"{sample['tokens']} tokens", sample["stop_reason"]]
    facts.append(f"{number(sample['mean_sentence_length'])} words a sentence")
    if not sample["kept"]:
        facts.append(f"dropped: {sample['kept_reason']}")
    sys.stdout.write(f"── {sample['sample_id']}  {'  '.join(facts)}\n")
    print_text(sample["prompt"], "  > ")
    print_text(sample["response"], "    ")
    sys.stdout.write("\n")


def score(sample: dict[str, Any], metric: str) -> str:
    """A score, or the label that says why there is none."""
    from idemtui.console.words import number

    return number(sample[metric]) if sample[metric] is not None else (sample.get(f"{metric}_label") or "–")
