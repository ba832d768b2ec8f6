"""A line of `ls`: a run, or a study or cell over its runs."""

from __future__ import annotations

from typing import Any

from idemtui.cli.standing import status_cell
from idemtui.console.facts import Run
from idemtui.console.words import (
    chain_words,
    doing,
    generation,
    interval,
    left_words,
    number,
    signed,
    spark_delta,
    verdict_label,
)
from idemtui.listing import Heading

Row = dict[str, Any]


def run_fields(run: Run) -> Row:
    """What is worked out of a run, beside its row."""
    stage = run.stage
    return {
        "arm": f"{run.regime} {run.arm}",
        "stage": stage.name if stage else None,
        "stage_cycle": stage.cycle if stage else None,
        "stage_done": stage.done if stage else None,
        "stage_total": stage.total if stage else None,
        "left_seconds": stage.left_seconds if stage else None,
    }


def heading_cells(heading: Heading) -> Row:
    """A study or a cell over its runs: how they stand, their mean Δ, and the cell's verdict."""
    verdict = heading.verdict
    words = f"{verdict_label(verdict)} {chain_words(verdict)}" if verdict and verdict.label else ""
    texts = {
        "id": "──",
        "run": heading.title,
        "status": heading.standing,
        "Δ": signed(heading.delta),
        "L [90 %]": words,
    }
    names = ("study", "trait", "arm", "left", "cycle", "score", "coherence", "Δ curve", "A")
    return {**dict.fromkeys(names, ""), **texts, "judge": None}


def run_cells(run: Run, row: Row, depth: int) -> Row:
    """One run; a fork stands behind an arrow."""
    fork = "  " * max(depth - 1, 0) + "↳ " if run.parent_run_id else ""
    within = "" if row["ci_low"] is None else f" {interval(row['ci_low'], row['ci_high'])}"
    standing = status_cell(row)
    return {
        "id": run.run_id,
        "run": fork + run.name,
        "study": run.study,
        "trait": run.trait,
        "arm": f"{run.regime} {run.arm}",
        "status": doing(run) if standing == "running" else standing,
        "left": left_words(run) if run.live else "",
        "cycle": f"{generation_of(row['cycle'])}/{run.cycles}",
        "score": number(row["trait_score"]),
        "Δ": signed(row["delta"]),
        "coherence": number(row["coherence"]),
        "Δ curve": spark_delta(row["deltas"] or ()),
        "A": signed(row["a"]),
        "L [90 %]": signed(row["l"]) + within + "".join(f" {word}" for word in row["suffixes"] or ()),
        "judge": row["judge_method"],
    }


def generation_of(cycle: int | None) -> str:
    """`base`, `M0`, …, or a dash before anything was measured."""
    return "–" if cycle is None else generation(cycle)
