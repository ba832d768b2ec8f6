"""`ls`, `show` and `verdict`: where runs are, what they measured, and what that is worth."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from idemtui.cli.options import Json, Run, lab_of

RUNS = """
SELECT r.* EXCLUDE (spec), last.cycle AS cycle, last.trait AS trait_score, last.coherence AS coherence,
    d.delta AS delta, v.a AS a, v.amplified_by_paper
FROM runs AS r
LEFT JOIN (
    SELECT * FROM trait_curve QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY cycle DESC) = 1
) AS last USING (run_id)
LEFT JOIN deltas AS d ON d.run_id = r.run_id AND d.cycle = last.cycle AND last.cycle > 0
LEFT JOIN verdicts AS v ON v.run_id = r.run_id AND v.scope = 'run'
ORDER BY r.created_at, r.study, r.run_id
"""

CURVE = """
SELECT t.cycle, t.trait, t.trait_low, t.trait_high, d.delta, t.coherence, t.n, t.nulls,
    c.optimizer_steps, c.gradient_norm_max, c.delta_norm, c.init, c.reference, c.adapter_sha256, c.stop_rules
FROM trait_curve AS t
LEFT JOIN cycles AS c USING (run_id, cycle)
LEFT JOIN deltas AS d ON d.run_id = t.run_id AND d.cycle = t.cycle AND t.cycle > 0
WHERE t.run_id = $run ORDER BY t.cycle
"""

VERDICT_COLUMNS = ("run", "A", "by the paper", "L", "90 % interval", "label", "suffixes")


def ls(context: typer.Context, as_json: Json = False) -> None:
    """List the lab's runs: status, newest generation, Δ, coherence."""
    from idemtui.cli.output import print_json, print_table
    from idemtui.cli.reading import open_client, rows
    from idemtui.console.words import number, signed
    from idemtui.text import one_line

    with open_client(lab_of(context)) as client:
        runs = rows(client, RUNS)
        unread = rows(client, "SELECT error FROM ingest_errors ORDER BY run_id, file")
    for row in unread:
        sys.stderr.write(f"idemtui: not read: {one_line(row['error'])}\n")
    if as_json:
        print_json(runs)
        return
    shown = [
        {
            "id": run["run_id"],
            "run": run["name"],
            "study": run["study"],
            "trait": run["trait"],
            "status": run["status"],
            "cycle": f"{generation_of(run['cycle'])}/{run['cycles']}",
            "score": number(run["trait_score"]),
            "Δ": signed(run["delta"]),
            "coherence": number(run["coherence"]),
        }
        for run in runs
    ]
    columns = ["id", "run", "study", "trait", "status", "cycle", "score", "Δ", "coherence"]
    if len({run["study"] for run in runs}) == 1:
        columns.remove("study")
    print_table(columns, shown, empty="No runs yet: `idemtui demo`, or `idemtui run STUDY.toml`.")


def generation_of(cycle: int | None) -> str:
    """`base`, `M0`, …, or a dash before anything was measured."""
    from idemtui.console.words import generation

    return "–" if cycle is None else generation(cycle)


def show(context: typer.Context, run: Run, as_json: Json = False) -> None:
    """Show one run: its settings, every generation's scores and training, its verdict."""
    import json

    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_run, open_client, rows

    with open_client(lab_of(context)) as client:
        facts = chosen_run(client, run)
        spec = rows(client, "SELECT spec FROM runs WHERE run_id = $run", run=facts["run_id"])[0]["spec"]
        curve = rows(client, CURVE, run=facts["run_id"])
        verdicts = rows(client, "SELECT * FROM verdicts WHERE scope = 'run' AND run_id = $run", run=facts["run_id"])
    verdict = verdicts[0] if verdicts else None
    if as_json:
        print_json({**facts, "curve": curve, "verdict": verdict, "spec": json.loads(spec)})
        return
    _print_run(facts, curve, verdict)


def _print_run(facts: dict[str, Any], curve: list[dict[str, Any]], verdict: dict[str, Any] | None) -> None:
    from idemtui.cli.output import cell, print_table
    from idemtui.console.words import generation, number, signed
    from idemtui.text import one_line

    write = sys.stdout.write
    write(f"{one_line(facts['name'])}  ({facts['run_id']}, study {one_line(facts['study'])})\n")
    write(f"{facts['status']}{': ' + one_line(facts['message']) if facts['message'] else ''}\n")
    settings = ("trait", "model", "regime", "init", "reference", "rejected", "cycles", "n_seed", "n_sampled", "seed")
    write("  ".join(f"{key} {cell(facts[key])}" for key in settings if facts[key] is not None) + "\n\n")
    shown = [
        {
            "cycle": generation(point["cycle"]),
            "trait": number(point["trait"]),
            "90 % interval": interval(point["trait_low"], point["trait_high"]),
            "Δ": signed(point["delta"]),
            "coherence": number(point["coherence"]),
            "n": point["n"],
            "null": point["nulls"],
            "steps": point["optimizer_steps"],
            "‖ΔW‖": point["delta_norm"],
            "from": point["init"],
            "marks": ", ".join(point["stop_rules"] or []),
        }
        for point in curve
    ]
    columns = ["cycle", "trait", "90 % interval", "Δ", "coherence", "n", "null", "steps", "‖ΔW‖", "from"]
    if any(point["marks"] for point in shown):
        columns.append("marks")
    print_table(columns, shown, empty="Nothing measured yet.")
    if verdict is not None:
        write("\n" + "\n".join(verdict_words(verdict)) + "\n")


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
