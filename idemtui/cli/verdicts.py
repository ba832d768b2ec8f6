"""`verdict`: what finished chains are worth, in tables and in sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from idemtui.cli.options import ByJudge, Json, lab_of

Row = dict[str, Any]
COLUMNS = ("run", "A", "by the paper", "L", "90 % interval", "null band", "q", "judge", "label", "suffixes")
PARTS = ("cell", "sd samples", "sd prompts", "sd replicates", "would decide", "least cost")
UNDECIDED = "undecided: "
NONE = "no verdict: "
NAMED = 3
"""Rows that a note names before it counts the others."""

Study = Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; else every one.")]
Chains = Annotated[bool, typer.Option("--chains", help="Every chain too, not only the cells of replicates.")]
Rates = Annotated[bool, typer.Option("--rates", help="Only how often each verdict was given, with Wilson intervals.")]


def verdict(
    context: typer.Context,
    study: Study = None,
    chains: Chains = False,
    rates: Rates = False,
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """Print verdicts: the paper's rule, the interval, the controls' null band, and what would decide."""
    from engine.errors import UsageError
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import open_client, rows
    from idemtui.cli.verdict_rows import read_verdicts
    from idemtui.text import one_line
    from store.queries import RATES

    if rates and judge is not None:
        raise UsageError("--rates count verdicts by each run's own judge; leave out --rates or --judge.")
    with open_client(lab_of(context)) as client:
        found = read_verdicts(client, study=study, judge=judge)
        counted = rows(client, RATES.replace("?", "$study"), study=study)
    if as_json:
        print_json(counted if rates else found)
        return
    if not rates:
        print_verdicts(found, chains=chains)
    if judge is None:
        print_rates(counted)
    elif found:
        sys.stdout.write(f"\nAll of it by the judge {one_line(found[0]['judge'])}.\n")


def print_verdicts(found: Sequence[Row], *, chains: bool = False) -> None:
    """The table of protocol §6, every note under it, and where the variance of cells comes from."""
    from idemtui.cli.output import print_table
    from idemtui.cli.verdict_rows import by_note, shown, titles
    from idemtui.console.words import interval, number, signed
    from idemtui.drawn import naming_drawn
    from idemtui.text import one_line

    told = shown(list(found), chains=chains)
    lines = [
        {
            "run": name,
            "A": signed(row["a"]),
            "by the paper": by_paper(row),
            "L": signed(row["l"]),
            "90 % interval": interval(row["ci_low"], row["ci_high"]),
            "null band": interval(row["null_low"], row["null_high"]),
            "q": number(row["q_drift"], 3),
            "judge": row["judge_method"],
            "label": row["label"] or "no verdict",
            "suffixes": ", ".join(row["suffixes"] or []),
        }
        for row, name in zip(told, titles(told), strict=True)
    ]
    columns = [c for c in COLUMNS if c not in ("q", "null band") or any(line[c] != "–" for line in lines)]
    columns = naming_drawn(columns, lines)
    print_table(columns, lines, empty="No verdict yet: a chain has to finish first.", spare=("q", "null band"))
    parted = [row for row in told if row["scope"] == "cell" and row["sd_replicates"] is not None]
    for note, names in by_note([_less_told(row) if row in parted else row for row in told]).items():
        sys.stdout.write(one_line(f"{note}{_of(names, len(told))}") + "\n")
    _print_parts(parted)


def _less_told(row: Row) -> Row:
    """Without the note on what would decide, which the table of variances has in a column."""
    return {**row, "notes": [note for note in row["notes"] or [] if not note.startswith(UNDECIDED)]}


def _of(names: list[str], rows: int) -> str:
    """Whose note it is, where there are several rows and it is not everybody's."""
    if len(names) == rows:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"  [{', '.join(names[:NAMED])}{more}]"


def _print_parts(cells: list[Row]) -> None:
    from idemtui.cli.output import print_table
    from idemtui.cli.verdict_rows import titles
    from idemtui.console.words import number

    if not cells:
        return
    sys.stdout.write("\nWhere the variance of L comes from, standard deviations in points:\n")
    lines = [
        {
            "cell": name,
            "sd samples": number(row["sd_samples"]),
            "sd prompts": number(row["sd_prompts"]),
            "sd replicates": number(row["sd_replicates"]),
            "would decide": deciding(row),
            "least cost": row["cheapest"] or "",
        }
        for row, name in zip(cells, titles(cells), strict=True)
    ]
    columns = PARTS if any(line["would decide"] for line in lines) else PARTS[:4]
    print_table(columns, lines, spare=("least cost",))


def deciding(row: Row) -> str:
    """How many of each alone would decide an UNDECIDED cell; nothing for another."""
    if row["label"] != "UNDECIDED":
        return ""
    counts = [(row[f"needed_{name}"], name) for name in ("samples", "prompts", "replicates")]
    return " or ".join(f"{count} {name}" for count, name in counts if count is not None) or "nothing up to 1000"


def print_rates(rates: Sequence[Row]) -> None:
    """How many of how many, in per cent with Wilson's 95 % interval; labels that no cell has are left out."""
    from idemtui.text import one_line

    told = [rate for rate in rates if rate["hits"] or rate["what"].startswith("amplified")]
    if told:
        sys.stdout.write("\nRates, with Wilson's 95 % interval:\n")
    for rate in told:
        things = "chain" if rate["scope"] == "run" else "cell"
        whose = f"{rate['control']} controls" if rate["control"] else things + "s"
        percent = [100 * rate[name] for name in ("rate", "low", "high")]
        share = f"{percent[0]:.1f} % [{percent[1]:.1f}, {percent[2]:.1f}]"
        study = one_line(rate["study"])
        sys.stdout.write(f"{study}: {rate['what']}, {rate['hits']} of {rate['total']} {whose}: {share}\n")


def by_paper(row: Row) -> str:
    """The paper's rule in words."""
    return {True: "amplified", False: "no"}.get(row["amplified_by_paper"], "–")


def verdict_words(verdict: Row) -> list[str]:
    """A run's verdict in sentences, with the null band that it stands beside."""
    from idemtui.console.words import interval, number
    from idemtui.drawn import drawn_words

    suffixes, notes = verdict["suffixes"] or [], [*(verdict["notes"] or []), *verdict["null_notes"]]
    if verdict["a"] is None:
        return _without_verdict(notes)
    notes += drawn_words(verdict["judge_method"])
    rule = "amplified" if verdict["amplified_by_paper"] else "not amplified"
    within = interval(verdict["ci_low"], verdict["ci_high"])
    label = " ".join([verdict["label"] or "", *suffixes]).strip()
    words = [
        f"A = {number(verdict['a'])}: {rule} by the paper's rule (A ≥ 15).",
        f"L = {number(verdict['l'])}, 90 % interval {within}: {label}.",
    ]
    if verdict["null_low"] is not None:
        band = interval(verdict["null_low"], verdict["null_high"])
        outside = not verdict["null_low"] <= verdict["l"] <= verdict["null_high"]
        words.append(f"Null band of Δ {band}, from {verdict['null_count']} Δ of controls: L lies {_side(outside)} it.")
    return [*words, *notes]


def _without_verdict(notes: Sequence[str]) -> list[str]:
    """Said once: most chains without a verdict have a note that begins with that and goes on with the reason."""
    if notes and notes[0].startswith(NONE):
        return [f"N{notes[0][1:]}", *notes[1:]]
    return ["No verdict.", *notes]


def _side(outside: bool) -> str:
    return "outside" if outside else "within"
