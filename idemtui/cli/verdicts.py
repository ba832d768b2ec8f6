"""`verdict`: what finished chains are worth, in a table and in sentences."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

VERDICT_COLUMNS = ("run", "A", "by the paper", "L", "90 % interval", "label", "suffixes")


def verdict(
    context: typer.Context,
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; else every one.")] = None,
    as_json: Json = False,
) -> None:
    """Print the verdicts: the paper's rule, and this chain's or cell's interval."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import open_client

    with open_client(lab_of(context)) as client:
        found = read_verdicts(client, study=study)
    if as_json:
        print_json(found)
        return
    print_verdicts(found)


def read_verdicts(client: Any, *, study: str | None = None, runs: list[str] | None = None) -> list[dict[str, Any]]:
    """Verdict rows of a study or of some runs (with their cells), runs named; UsageError for an unknown study."""
    from engine.errors import UsageError
    from idemtui.cli.reading import rows

    if study is not None:
        known = [row["study"] for row in rows(client, "SELECT DISTINCT study FROM runs ORDER BY study")]
        if study not in known:
            raise UsageError(f"no study {study!r} in {client.lab.root}; it holds {', '.join(known) or 'none'}.")
    found = rows(
        client,
        "SELECT v.*, r.name, r.status FROM verdicts AS v LEFT JOIN runs AS r USING (run_id) "
        "ORDER BY v.study, v.scope DESC, r.created_at, v.cell",
    )
    if runs is not None:
        cells = {(row["study"], row["cell"]) for row in found if row["run_id"] in runs}
        return [r for r in found if r["run_id"] in runs or (r["scope"] == "cell" and (r["study"], r["cell"]) in cells)]
    return [row for row in found if study is None or row["study"] == study]


def print_verdicts(found: list[dict[str, Any]]) -> None:
    """The table of protocol §6."""
    from idemtui.cli.output import print_table
    from idemtui.console.words import signed

    shown = [
        {
            "run": row["name"] if row["scope"] == "run" else f"{row['cell']} (cell of {row['replicates']})",
            "A": signed(row["a"]),
            "by the paper": by_paper(row),
            "L": signed(row["l"]),
            "90 % interval": interval(row["ci_low"], row["ci_high"]),
            "label": row["label"] or "no verdict",
            "suffixes": ", ".join(row["suffixes"] or []),
        }
        for row in found
    ]
    print_table(VERDICT_COLUMNS, shown, empty="No verdict yet: a chain has to finish first.")
    for note in dict.fromkeys(note for row in found for note in row["notes"] or []):
        sys.stdout.write(f"{note}\n")


def by_paper(row: dict[str, Any]) -> str:
    """The paper's rule in words."""
    return {True: "amplified", False: "no"}.get(row["amplified_by_paper"], "–")


def interval(low: float | None, high: float | None) -> str:
    """`[low, high]` with true minus signs, or a dash."""
    return "–" if low is None or high is None else f"[{low:.1f}, {high:.1f}]".replace("-", "−")


def verdict_words(verdict: dict[str, Any]) -> list[str]:
    """A run's verdict in sentences."""
    from idemtui.console.words import number

    suffixes, notes = verdict["suffixes"] or [], verdict["notes"] or []
    if verdict["a"] is None:
        return ["No verdict.", *notes]
    rule = "amplified" if verdict["amplified_by_paper"] else "not amplified"
    within = interval(verdict["ci_low"], verdict["ci_high"])
    label = " ".join([verdict["label"] or "", *suffixes]).strip()
    return [
        f"A = {number(verdict['a'])}: {rule} by the paper's rule (A ≥ 15).",
        f"L = {number(verdict['l'])}, 90 % interval {within}: {label}.",
        *notes,
    ]
