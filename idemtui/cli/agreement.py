"""`agreement`: what each judge is worth beside the others, beside itself asked again, and beside people."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idemtui.cli.options import Json, lab_of

if TYPE_CHECKING:
    from store.client import Client
    from store.statistics.judges import Estimate

Rows = list[dict[str, Any]]
SCORES = """
SELECT a.sample_id, a.run_id, a.cycle, a.prompt_id, a.words, a.metric, a.judge_id, a.value, a.mass, a.label, a.own
FROM judged_answers AS a WHERE list_contains($runs, a.run_id)
QUALIFY row_number() OVER (PARTITION BY a.sample_id, a.metric, a.judge_id ORDER BY a.own DESC) = 1
ORDER BY a.sample_id
"""
LABELS = """
SELECT s.sample_id, s.run_id, s.cycle, s.prompt_id, s.words, l.metric, 'person ' || l.author AS judge_id, l.value,
    NULL AS mass, 'score' AS label, FALSE AS own
FROM labels AS l JOIN samples AS s USING (sample_id)
WHERE l.value IS NOT NULL AND s.purpose = 'eval' AND list_contains($runs, s.run_id) ORDER BY s.sample_id
"""
METHODS = "SELECT DISTINCT judge_id, method FROM judges"
AGAIN = re.compile(r"-again[0-9]+")
JUDGE_COLUMNS = ("judge", "metric", "method", "answers", "nulls", "mean", "mass", "length", "in a generation")
PAIR_COLUMNS = ("metric", "first", "second", "what", "answers", "pearson", "spearman", "difference", "kappa")


def agreement(
    context: typer.Context,
    what: Annotated[str | None, typer.Argument(metavar="[STUDY|RUN]", help="A study or a run; else the lab.")] = None,
    as_json: Json = False,
) -> None:
    """Print how far judges agree with each other, with themselves asked again, and with people's labels."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import open_client

    with open_client(lab_of(context)) as client:
        found = read_agreement(client, what)
    if as_json:
        print_json(found)
    else:
        _print(found)


def read_agreement(client: Client, what: str | None) -> dict[str, Rows]:
    """`judges`: each with its scores; `pairs`: each two that scored the same answers on the same metric."""
    from idemtui.cli.reading import rows

    runs = _runs(client, what)
    methods = {row["judge_id"]: row["method"] for row in rows(client, METHODS)}
    scores: dict[tuple[str, str], Rows] = {}
    for row in [*rows(client, SCORES, runs=runs), *rows(client, LABELS, runs=runs)]:
        scores.setdefault((row["metric"], row["judge_id"]), []).append(row)
    judges = [_judge(metric, judge, methods, scores[metric, judge]) for metric, judge in sorted(scores)]
    pairs = [
        _pair(metric, first, second, scores[metric, first], scores[metric, second])
        for (metric, first), (same, second) in combinations(sorted(scores, key=lambda key: _order(*key)), 2)
        if metric == same
    ]
    return {"judges": judges, "pairs": [pair for pair in pairs if pair["answers"]]}


def _order(metric: str, judge: str) -> tuple[str, bool, str]:
    return metric, judge.startswith("person "), judge


def _runs(client: Client, what: str | None) -> list[str]:
    from idemtui.cli.reading import chosen_run, rows

    if what is None:
        return [row["run_id"] for row in rows(client, "SELECT run_id FROM runs")]
    study = rows(client, "SELECT run_id FROM runs WHERE study = $study", study=what)
    return [row["run_id"] for row in study] or [chosen_run(client, what)["run_id"]]


def _judge(metric: str, judge: str, methods: dict[str, str], scores: Rows) -> dict[str, Any]:
    import numpy as np

    from store.statistics.judges import length_bias

    values, lengths = _array(row["value"] for row in scores), _array(row["words"] for row in scores)
    prompts = [row["prompt_id"] for row in scores]
    generations = [f"{row['run_id']} {row['cycle']}" for row in scores]
    masses = [row["mass"] for row in scores if row["mass"] is not None and row["label"] != "empty"]
    reasons = sorted({row["label"] for row in scores if row["value"] is None})
    return {
        "metric": metric,
        "judge_id": judge,
        "method": "a person" if judge.startswith("person ") else methods.get(judge),
        "own": any(row["own"] for row in scores),
        "answers": len(scores),
        "nulls": int(np.isnan(values).sum()),
        "null_labels": reasons,
        "mean": None if np.isnan(values).all() else float(np.nanmean(values)),
        "mean_mass": float(np.mean(masses)) if masses else None,
        "length": asdict(length_bias(values, lengths, prompts)),
        "length_within_generations": asdict(length_bias(values, lengths, prompts, generations)),
    }


def _pair(metric: str, first: str, second: str, ones: Rows, others: Rows) -> dict[str, Any]:
    from store.statistics.judges import compare_judges

    by_sample = {row["sample_id"]: row for row in others}
    shared = [(row, by_sample[row["sample_id"]]) for row in ones if row["sample_id"] in by_sample]
    prompts = [row["prompt_id"] for row, _ in shared]
    found = compare_judges(_array(a["value"] for a, _ in shared), _array(b["value"] for _, b in shared), prompts)
    again = AGAIN.sub("", first) == AGAIN.sub("", second)
    kind = "people" if second.startswith("person ") else "asked again" if again else "judges"
    estimates = {name: asdict(getattr(found, name)) for name in ("pearson", "spearman", "difference", "kappa")}
    return {
        "metric": metric, "first": first, "second": second, "kind": kind, "answers": found.n, "prompts": found.prompts,
        **estimates,
    }  # fmt: skip


def _array(values: Any) -> Any:
    import numpy as np

    return np.array([np.nan if value is None else float(value) for value in values])


def _print(found: dict[str, Rows]) -> None:
    from idemtui.cli.output import cell, print_table

    judges = [
        {
            "judge": row["judge_id"], "metric": row["metric"], "method": row["method"], "answers": row["answers"],
            "nulls": f"{row['nulls']}" + (f" ({', '.join(row['null_labels'])})" if row["nulls"] else ""),
            "mean": cell(row["mean"]), "mass": cell(row["mean_mass"]), "length": _words(row["length"]),
            "in a generation": _words(row["length_within_generations"]),
        }
        for row in found["judges"]
    ]  # fmt: skip
    print_table(JUDGE_COLUMNS, judges, empty="Nothing is judged yet.", spare=("mass", "in a generation"))
    pairs = [
        {
            "metric": row["metric"], "first": row["first"], "second": row["second"], "what": row["kind"],
            "answers": row["answers"], **{name: _words(row[name]) for name in PAIR_COLUMNS[5:]},
        }
        for row in found["pairs"]
    ]  # fmt: skip
    sys.stdout.write("\n")
    empty = "No answer was scored twice: `idemtui judge RUN` judges anew, `idemtui label RUN` asks you."
    print_table(PAIR_COLUMNS, pairs, empty=empty, spare=("prompts",))
    low: Sequence[dict[str, Any]] = [row for row in found["judges"] if row["nulls"] > row["answers"] / 2]
    for row in low:
        sys.stdout.write(
            f"{row['judge_id']} gave no score to {row['nulls']} of {row['answers']} answers "
            f"({', '.join(row['null_labels'])}): read its means with that in mind, or use another judge.\n"
        )


def _words(estimate: dict[str, float | None] | Estimate) -> str | None:
    """`0.91 [0.87, 0.94]`."""
    told = estimate if isinstance(estimate, dict) else asdict(estimate)
    if told["value"] is None:
        return None
    interval = "" if told["low"] is None else f" [{told['low']:.2f}, {told['high']:.2f}]"
    return f"{told['value']:.2f}{interval}".replace("-", "−")
