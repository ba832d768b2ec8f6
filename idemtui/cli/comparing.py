"""`compare`: runs and cells beside each other, grouped by any setting in which they differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import ByJudge, Json, lab_of

if TYPE_CHECKING:
    from idemtui.console.comparing import Compared
    from store.client import Client
    from store.compare import Comparison, Group

Methods = Mapping[str, str]
"""How each run was judged."""
COLUMNS = ("group", "runs", "gen", "s(M0)", "s", "Δ", "90 % interval", "coherence", "judge", "label", "A, L [90 %]")


def compare(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="RUN|STUDY…", help="Runs, or studies with all their runs.")],
    by: Annotated[
        str, typer.Option(metavar="SETTING", help="cell, study, run, or a setting as run.regime that differs.")
    ] = "cell",
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """Compare runs: each group's curve with the interval over its replicates, its verdict, and what else moved."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import open_client
    from idemtui.console.comparing import Compared
    from store.compare import compare as compared_by
    from store.compare import matrix
    from store.judged import chosen_judge
    from store.methods import judge_methods

    with open_client(lab_of(context)) as client:
        ids = run_ids(client, what)
        chosen = None if judge is None else chosen_judge(client, ids, judge)
        comparison = compared_by(client, ids, by, chosen)
        compared = Compared(comparison, tuple(matrix(client, comparison.groups, chosen)))
        methods = judge_methods(client, ids, chosen)
    if as_json:
        print_json([group_facts(compared, group, methods) for group in compared.groups])
    else:
        _print_groups(compared, methods)


def run_ids(client: Client, what: list[str]) -> list[str]:
    """The runs that names of runs and of studies mean, each once; UsageError for what is neither, or both."""
    from idemtui.cli.reading import chosen_run, rows

    runs = rows(client, "SELECT study, name, run_id FROM runs ORDER BY created_at, name, run_id")
    studies: dict[str, list[str]] = {}
    for row in runs:
        studies.setdefault(row["study"], []).append(row["run_id"])
    found: list[str] = []
    for name in what:
        _check_meaning(name, studies.get(name, []), [row["run_id"] for row in runs if row["name"] == name])
        try:
            found += studies[name] if name in studies else [chosen_run(client, name)["run_id"]]
        except UsageError as error:
            raise UsageError(f"{str(error).rstrip('.')}; studies: {', '.join(studies) or 'none'}.") from None
    return list(dict.fromkeys(found))


def _check_meaning(name: str, of_study: list[str], of_name: list[str]) -> None:
    """A study may have one run that is called as it is; where it has more, nobody knows which was meant."""
    if of_study and of_name and set(of_study) != set(of_name):
        raise UsageError(
            f"{name!r} is a study of {len(of_study)} {'run' if len(of_study) == 1 else 'runs'} and the name of run "
            f"{', '.join(of_name[:5])}; give ids instead, which `idemtui ls --filter study:{name}` lists."
        )


def group_facts(compared: Compared, group: Group, methods: Methods) -> dict[str, Any]:
    """One group with its points, its verdict, how it was judged, and its row of the matrix for every generation."""
    return {
        "group": group.name,
        "by": compared.comparison.by,
        "runs": list(group.run_ids),
        "judge_method": method_of(group, methods),
        "mixed": group.mixed,
        "points": [asdict(point) for point in group.points],
        "verdict": asdict(group.verdict) if group.verdict else None,
        "matrix": [
            {"cycle": cell.cycle, "trait": cell.trait, "value": cell.value, "runs": cell.runs}
            for cell in compared.matrix
            if cell.group == group.name
        ],
    }


def method_of(group: Group, methods: Methods) -> str | None:
    """How the runs of a group were judged, all ways where there are several."""
    return ", ".join(sorted({methods[run_id] for run_id in group.run_ids if run_id in methods})) or None


def _print_groups(compared: Compared, methods: Methods) -> None:
    from idemtui.cli.output import print_table
    from idemtui.drawn import naming_drawn
    from idemtui.text import one_line

    rows = [{**_row(group), "judge": method_of(group, methods)} for group in compared.groups]
    print_table(naming_drawn(COLUMNS, rows), rows, spare=("A, L [90 %]", "s(M0)", "gen"))
    for group in compared.groups:
        sys.stdout.write(f"{one_line(group.name)}: {one_line(group.mixed)}.\n" if group.mixed else "")
    _print_matrix(compared, methods)
    sys.stdout.write(differing_words(compared.comparison))


def _row(group: Group) -> dict[str, Any]:
    from idemtui.console.words import NONE, generation, interval, number, signed, verdict_label, verdict_words

    last, seeded = group.points[-1] if group.points else None, next((p for p in group.points if p.cycle == 0), None)
    moved = last if last is not None and last.cycle > 0 else None
    return {
        "group": group.name,
        "runs": len(group.run_ids),
        "gen": generation(last.cycle) if last else NONE,
        "s(M0)": number(seeded.trait if seeded else None),
        "s": number(last.trait if last else None),
        "Δ": signed(moved.delta if moved else None),
        "90 % interval": interval(moved.delta_low, moved.delta_high) if moved else NONE,
        "coherence": number(last.coherence if last else None),
        "label": verdict_label(group.verdict),
        "A, L [90 %]": verdict_words(group.verdict),
    }


def _print_matrix(compared: Compared, methods: Methods) -> None:
    """Every trait that was scored at each group's newest generation, where there is more than the seeded one."""
    from idemtui.cli.output import print_table
    from idemtui.console.facts import BASE
    from idemtui.console.words import generation, number, signed
    from idemtui.drawn import naming_drawn

    if len(compared.traits) < 2:
        return
    rows = []
    for group in compared.groups:
        cycle = group.points[-1].cycle if group.points else BASE
        row: dict[str, Any] = {"group": group.name, "gen": generation(cycle), "judge": method_of(group, methods)}
        for trait in compared.traits:
            score, base = compared.value(group.name, cycle, trait), compared.value(group.name, BASE, trait)
            moved = None if score is None or base is None else score - base
            row[trait] = f"{number(score)} ({signed(moved)})"
        rows.append(row)
    sys.stdout.write("\nEvery scored trait at the newest generation, and its distance from base:\n")
    print_table(naming_drawn(["group", "gen", *compared.traits], rows), rows)


def differing_words(comparison: Comparison) -> str:
    """What the runs differ in, and how to group by it."""
    from idemtui.text import one_line

    names = [choice for choice in comparison.choices if choice.name not in ("cell", "study", "run")]
    if not names:
        return "\nThese runs differ in no setting but their seeds.\n"
    lines = [f"  --by {choice.name}: {one_line(', '.join(choice.values), 80)}" for choice in names]
    return "\n".join(["", "They differ in:", *lines, ""])
