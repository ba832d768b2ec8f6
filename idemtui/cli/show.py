"""`show`: one run or job in full: where it stands and why, where it comes from, its generations, its verdict."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from idemtui.cli.options import ByJudge, Json, Work, lab_of
from idemtui.logs import end_of_log

if TYPE_CHECKING:
    from pathlib import Path

    from idemtui.cli.standing import Status
    from store.client import Client

CURVE = """
SELECT t.cycle, t.trait, t.trait_low, t.trait_high, d.delta, t.coherence, t.n, t.nulls,
    c.optimizer_steps, c.gradient_norm_max, c.delta_norm, c.init, c.reference, c.adapter_sha256, c.stop_rules,
    CASE WHEN s.source_run_id <> t.run_id THEN s.source_run_id END AS inherited_from
FROM trait_curve AS t
LEFT JOIN lineage AS s ON s.run_id = t.run_id AND s.cycle = t.cycle
LEFT JOIN cycles AS c ON c.run_id = coalesce(s.source_run_id, t.run_id) AND c.cycle = t.cycle
LEFT JOIN deltas AS d ON d.run_id = t.run_id AND d.cycle = t.cycle AND t.cycle > 0
WHERE t.run_id = $run ORDER BY t.cycle
"""
ANCESTORS = """
WITH RECURSIVE up (run_id, cycle, depth) AS (
    SELECT parent_run_id, forked_at_cycle, 1 FROM runs WHERE run_id = $run AND parent_run_id IS NOT NULL
    UNION ALL
    SELECT r.parent_run_id, r.forked_at_cycle, depth + 1 FROM up JOIN runs AS r USING (run_id)
    WHERE r.parent_run_id IS NOT NULL AND depth < 1000
)
SELECT up.run_id, r.name, up.cycle FROM up LEFT JOIN runs AS r USING (run_id) ORDER BY depth
"""
FORKS = """
SELECT run_id, name, forked_at_cycle AS cycle FROM runs WHERE parent_run_id = $run ORDER BY created_at, run_id
"""
VERDICT = "SELECT *, run_id AS any_run FROM verdicts WHERE scope = 'run' AND run_id = $run"
LOG_LINES = 10
LOG_BYTES = 16_384
SETTINGS = ("trait", "model", "regime", "init", "reference", "rejected", "cycles", "n_seed", "n_sampled", "seed")
Facts = dict[str, Any]


def show(context: typer.Context, run: Work, judge: ByJudge = None, as_json: Json = False) -> None:
    """Show one run: its settings, why it waits or failed, every generation's scores and training, its verdict."""
    import json
    from dataclasses import asdict

    from idemtui.cli.jobs import show_job
    from idemtui.cli.measures import with_measures
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_works, open_lab, rows
    from idemtui.cli.verdict_rows import judged_rows, with_bands
    from store.judged import chosen_judge
    from store.methods import judge_methods

    client, status = open_lab(lab_of(context))
    with client:
        [chosen] = chosen_works(client, [run])
        if "kind" in chosen:
            show_job(client, chosen, as_json=as_json)
            return
        facts = _facts(client, chosen, status)
        spec = rows(client, "SELECT spec FROM runs WHERE run_id = $run", run=facts["run_id"])[0]["spec"]
        curve = rows(client, CURVE, run=facts["run_id"])
        facts["judge"] = None
        if judge is None:
            verdicts = with_bands(client, rows(client, VERDICT, run=facts["run_id"]))
        else:
            facts["judge"] = chosen_judge(client, [facts["run_id"]], judge)
            facts["judge_method"] = judge_methods(client, [facts["run_id"]], facts["judge"]).get(facts["run_id"])
            curve = by_judge(client, facts["run_id"], curve, facts["judge"])
            verdicts = judged_rows(client, facts["judge"], run_id=facts["run_id"])
        curve = with_measures(client, facts["run_id"], curve, facts["judge"])
    verdict = next((row for row in verdicts if row["scope"] == "run"), None)
    if as_json:
        speed = [asdict(stage) for stage in facts["speed"]]
        print_json({**facts, "speed": speed, "curve": curve, "verdict": verdict, "spec": json.loads(spec)})
        return
    _print_run(facts, curve, verdict)


def by_judge(client: Client, run_id: str, curve: list[Facts], judge: str) -> list[Facts]:
    """The generations with the scores of one judge in place of those of the run's own; null where it has none."""
    from store.judged import judged_chains, judged_curves

    points = {point.cycle: point for point in judged_curves(judged_chains(client, [run_id], judge))[run_id]}
    names = ("trait", "trait_low", "trait_high", "delta", "coherence", "n", "nulls")
    told = [{**row, **{n: getattr(points.get(row["cycle"]), n, None) for n in names}} for row in curve]
    return [{**row, "delta": row["delta"] if row["cycle"] > 0 else None} for row in told]


def _facts(client: Client, run: Facts, status: Status) -> Facts:
    from idemtui.cli.reading import rows
    from idemtui.cli.run_notes import run_notes
    from idemtui.cli.spending import spent_on
    from idemtui.cli.standing import standing
    from idemtui.speed import speed_of
    from store.methods import judge_methods

    facts = {**run, **standing(run, status)}
    facts["lineage"] = rows(client, ANCESTORS, run=run["run_id"])
    facts["forks"] = rows(client, FORKS, run=run["run_id"])
    facts["notes"] = run_notes(client, run["run_id"])
    facts["spent"] = spent_on(client, run["run_id"])
    facts["speed"] = speed_of(client, run["run_id"])
    facts["judge_method"] = judge_methods(client, [run["run_id"]]).get(run["run_id"])
    if troubled(facts) and not facts.get("log_tail"):
        facts["log_tail"] = last_lines(client.lab.run(run["run_id"]) / "worker.log")
    return facts


def troubled(facts: Facts) -> bool:
    """Whether the worker's log may say what went wrong: it failed, or is silent."""
    from idemtui.cli.standing import status_cell

    return facts["status"] == "failed" or status_cell(facts).startswith("silent")


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, none where there is no log."""
    return [line for line in end_of_log(log, LOG_BYTES).splitlines() if line.strip()][-LOG_LINES:]


def _print_run(facts: Facts, curve: list[Facts], verdict: Facts | None) -> None:
    from idemtui.cli.measures import print_measures
    from idemtui.cli.output import cell
    from idemtui.cli.spending import spent_words
    from idemtui.cli.verdicts import verdict_words
    from idemtui.speed import speed_words
    from idemtui.text import one_line

    write = sys.stdout.write
    write(f"{one_line(facts['name'])}  ({facts['run_id']}, study {one_line(facts['study'])})\n")
    write("\n".join([standing_words(facts), *family_words(facts)]) + "\n")
    print_log(facts)
    write("  ".join(f"{key} {cell(facts[key])}" for key in SETTINGS if facts[key] is not None) + "\n")
    write(f"speed: {words}\n" if (words := speed_words(facts["speed"])) else "")
    write("".join(f"note: {one_line(note)}\n" for note in facts["notes"]))
    write(f"scores and verdict by the judge {one_line(facts['judge'])}\n\n" if facts["judge"] else "\n")
    _print_curve(curve, facts["judge_method"])
    print_measures(curve)
    if facts["spent"]:
        write("\njudging took\n" + "".join(f"  {one_line(line)}\n" for line in spent_words(facts["spent"])))
    if verdict is not None:
        write("\n" + "\n".join(verdict_words(verdict)) + "\n")


def print_log(facts: Facts) -> None:
    """The end of the worker's log, where it may say what went wrong."""
    from idemtui.text import one_line

    if troubled(facts) and facts["log_tail"]:
        lines = ("end of worker.log:", *facts["log_tail"])
        sys.stdout.write("".join(f"  | {one_line(line)}\n" for line in lines))


def standing_words(facts: Facts) -> str:
    """Status with its reason: why it waits, who works on it, why it ended."""
    from idemtui.cli.standing import silence_words, status_cell
    from idemtui.text import one_line

    status, message, worker = facts["status"], one_line(facts["message"] or ""), facts["worker"]
    if status_cell(facts).startswith("silent"):
        return f"running, but silent: {silence_words(facts)}"
    if status == "queued" and facts["queue_position"]:
        urgency = f", priority {facts['priority']}" if facts["priority"] else ""
        reason = f": {one_line(facts['waiting_reason'])}" if facts["waiting_reason"] else ""
        return f"queued, number {facts['queue_position']} in the queue{urgency}{reason}"
    if status == "running" and worker:
        return f"running: process {worker['pid']} on {one_line(str(worker.get('device') or 'cpu'))}"
    return f"{status}: {message}" if message else str(status)


def family_words(facts: Facts) -> list[str]:
    """Where a fork comes from, back to a run that is none, and which forks came from it."""
    from idemtui.console.words import generation
    from idemtui.text import one_line

    def named(run: Facts) -> str:
        known = f"{one_line(run['name'])} ({run['run_id']})" if run["name"] else f"{run['run_id']}, not in this lab,"
        return f"{known} at {generation(run['cycle'])}"

    lines = []
    if facts["lineage"]:
        lines.append("fork of " + ", itself a fork of ".join(named(run) for run in facts["lineage"]))
    if facts["forks"]:
        lines.append("forked into " + ", ".join(named(run) for run in facts["forks"]))
    return lines


def _print_curve(curve: list[Facts], method: str | None) -> None:
    from idemtui.cli.output import print_table
    from idemtui.console.words import generation, interval, number, signed
    from idemtui.drawn import naming_drawn

    shown = [
        {
            "cycle": generation(point["cycle"]),
            "trait": number(point["trait"]),
            "90 % interval": interval(point["trait_low"], point["trait_high"]),
            "Δ": signed(point["delta"]),
            "coherence": number(point["coherence"]),
            "n": point["n"],
            "null": point["nulls"],
            "judge": method,
            "steps": point["optimizer_steps"],
            "‖ΔW‖": point["delta_norm"],
            "from": point["init"],
            "marks": ", ".join(["inherited"] * bool(point["inherited_from"]) + (point["stop_rules"] or [])),
        }
        for point in curve
    ]
    columns = ["cycle", "trait", "90 % interval", "Δ", "coherence", "n", "null", "steps", "‖ΔW‖", "from"]
    if any(point["marks"] for point in shown):
        columns.append("marks")
    columns = naming_drawn(columns, shown)
    print_table(columns, shown, empty="Nothing measured yet.", spare=("null", "steps", "n", "‖ΔW‖"))
