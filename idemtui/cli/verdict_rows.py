"""Verdicts as rows: those of the database, each with the null band of its own controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.client import Client

Row = dict[str, Any]

VERDICTS = """
SELECT v.*, r.name, r.status, k.control, k.any_run
FROM verdicts AS v
LEFT JOIN runs AS r USING (run_id)
LEFT JOIN (
    SELECT study, cell, min(control) AS control, min(run_id) AS any_run
    FROM runs GROUP BY study, cell
) AS k ON k.study = v.study AND k.cell = v.cell
ORDER BY v.study, v.scope = 'run', k.control NULLS FIRST, r.created_at, v.cell, r.name
"""

ASKED = """
SELECT run_id, study, cell, name, status, control FROM runs
WHERE ($study IS NULL OR study = $study) AND ($run IS NULL OR run_id = $run) ORDER BY created_at, name, run_id
"""


def read_verdicts(
    client: Client, *, study: str | None = None, runs: list[str] | None = None, judge: str | None = None
) -> list[Row]:
    """Verdicts of a study or of some runs (with their cells), cells first; UsageError for an unknown study or judge.

    `null_low`, `null_high` and `null_count` are the null band of Δ, `null_notes` what it lacks, `judge_method` how the
    judge came to its scores. With `judge` all of it is by that judge's scores.
    """
    from idemtui.cli.reading import rows

    _check_study(client, study)
    if judge is not None:
        return judged_rows(client, judge, study)
    found = rows(client, VERDICTS)
    if runs is not None:
        cells = {(row["study"], row["cell"]) for row in found if row["run_id"] in runs}
        found = [r for r in found if r["run_id"] in runs or (r["scope"] == "cell" and (r["study"], r["cell"]) in cells)]
    return with_bands(client, [row for row in found if study is None or row["study"] == study])


def _check_study(client: Client, study: str | None) -> None:
    from engine.errors import UsageError
    from idemtui.cli.reading import rows

    if study is not None:
        known = [row["study"] for row in rows(client, "SELECT DISTINCT study FROM runs ORDER BY study")]
        if study not in known:
            raise UsageError(f"no study {study!r} in {client.lab.root}; it holds {', '.join(known) or 'none'}.")


def judged_rows(client: Client, judge: str, study: str | None = None, run_id: str | None = None) -> list[Row]:
    """Verdicts by the scores of one judge, in the order of the others; `judge` stands in every row."""
    from idemtui.cli.reading import rows
    from store.judged import chosen_judge
    from store.judged_verdicts import judged_verdicts

    asked = rows(client, ASKED, study=study, run=run_id)
    ids = [run["run_id"] for run in asked]
    by = chosen_judge(client, ids, judge)
    runs = {run["run_id"]: run for run in asked}
    of_cell = {(run["study"], run["cell"]): run for run in reversed(asked)}
    told = []
    for row in judged_verdicts(client, ids, by):
        run, any_run = runs.get(row["run_id"], {}), of_cell[row["study"], row["cell"]]
        named = {"name": run.get("name"), "status": run.get("status"), "control": any_run["control"]}
        told.append({**row, **named, "any_run": any_run["run_id"], "judge": by})
    places = {run["run_id"]: place for place, run in enumerate(asked)}
    told.sort(key=lambda r: (r["study"], r["scope"] == "run", r["control"] or "", places[r["run_id"] or r["any_run"]]))
    return with_bands(client, told, by)


def with_bands(client: Client, verdicts: list[Row], judge: str | None = None) -> list[Row]:
    """The rows with their null bands and the methods of their judges; a cell's are those of any of its runs."""
    from store.controls import beside
    from store.methods import judge_methods

    if not verdicts:
        return []
    runs = {id(row): row["run_id"] or row["any_run"] for row in verdicts}
    bands = beside(client, list(dict.fromkeys(runs.values())), judge)
    methods = judge_methods(client, list(bands), judge)
    return [
        {**_plain(row), **_band(bands.get(runs[id(row)])), "judge_method": methods.get(runs[id(row)])}
        for row in verdicts
    ]


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "any_run"}


def _band(found: Any) -> Row:
    if found is None:
        return {"null_low": None, "null_high": None, "null_count": 0, "null_notes": []}
    band = found.band
    notes = list(found.notes)
    return {"null_low": band.low, "null_high": band.high, "null_count": band.count, "null_notes": notes}


def titles(verdicts: Sequence[Row]) -> list[str]:
    """What rows are called, with the study where rows of several are called the same."""
    named = [_title(row) for row in verdicts]
    studies: dict[str, set[str]] = {}
    for row, name in zip(verdicts, named, strict=True):
        studies.setdefault(name, set()).add(row["study"])
    alike = {name for name, held in studies.items() if len(held) > 1}
    return [f"{name} · {row['study']}" if name in alike else name for row, name in zip(verdicts, named, strict=True)]


def _title(row: Row) -> str:
    """Its run, or its cell and how many replicates that has."""
    return str(row["name"]) if row["scope"] == "run" else f"{row['cell']} (cell of {row['replicates']})"


def shown(verdicts: list[Row], *, chains: bool) -> list[Row]:
    """The rows that a table opens with: cells, and runs that no cell stands for; with `chains` every row."""
    cells = {(row["study"], row["cell"]) for row in verdicts if row["scope"] == "cell"}
    return [row for row in verdicts if chains or row["scope"] == "cell" or (row["study"], row["cell"]) not in cells]


def by_note(verdicts: Sequence[Row]) -> dict[str, list[str]]:
    """Every note with the titles of the rows that it is of, in order."""
    found: dict[str, list[str]] = {}
    for row, name in zip(verdicts, titles(verdicts), strict=True):
        for note in [*(row["notes"] or []), *row["null_notes"]]:
            found.setdefault(note, []).append(name)
    return found
