"""`ancestry` and `phrases`: which training rows a text goes back to, and what spread from generation to generation."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from idemtui.cli.options import Json, Run, lab_of


def ancestry(
    context: typer.Context,
    sample: Annotated[str, typer.Argument(metavar="SAMPLE", help="A sample id, as `idemtui samples --json` gives it.")],
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="The chain to look in: a fork that inherited the sample.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Training rows of each generation at most.")] = 3,
    as_json: Json = False,
) -> None:
    """Show the training rows nearest to an answer, generation by generation back to the seeds."""
    from idemtui.cli.output import print_json, print_text
    from idemtui.cli.reading import chosen_run, open_client
    from idemtui.console.words import generation
    from idemtui.kinship_words import marked, no_kin, row_words
    from store.kinship import ancestry as ancestors

    with open_client(lab_of(context)) as client:
        run_id = chosen_run(client, run)["run_id"] if run else None
        answer, kin = ancestors(client, sample, run_id, most)
    if as_json:
        print_json({"answer": asdict(answer), "rows": [asdict(row) for row in kin]})
        return
    sys.stdout.write(f"── {answer.sample_id}  {generation(answer.cycle)} {answer.purpose}\n")
    print_text(answer.prompt, "  > ")
    print_text(answer.response, "    ")
    for row in kin:
        sys.stdout.write(f"\n── {row_words(row)}\n")
        print_text(marked(row), "    ")
    if not kin:
        sys.stdout.write(f"\n{no_kin(answer)}\n")


def phrases(
    context: typer.Context,
    run: Run,
    most: Annotated[int, typer.Option(min=1, help="Phrases at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Show which phrases spread most, from base to the newest generation, with their share of the answers."""
    from idemtui.cli.output import print_json, print_table
    from idemtui.cli.reading import chosen_run, open_client
    from idemtui.console.words import generation
    from store.kinship import phrases as spread

    with open_client(lab_of(context)) as client:
        found = spread(client, chosen_run(client, run)["run_id"], most)
    if as_json:
        names = ("cycle", "answers", "of")
        print_json(
            [
                {**asdict(phrase), "counts": [dict(zip(names, one, strict=True)) for one in phrase.counts]}
                for phrase in found
            ]
        )
        return
    cycles = [cycle for cycle, *_ in found[0].counts] if found else []
    rows = [
        {"phrase": phrase.phrase, "growth": f"{100 * phrase.growth:+.0f} %".replace("-", "−")}
        | {generation(cycle): f"{k}/{n}" for cycle, k, n in phrase.counts}
        for phrase in found
    ]
    print_table(
        ("phrase", "growth", *map(generation, cycles)), rows, empty="no phrase is in more answers than at first"
    )
