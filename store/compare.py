"""Runs beside each other, grouped by a setting: what the console's Compare and `idemtui compare` both show.

The runs of a group are its replicates: each point is the mean over them, with a 90 % interval of t over the runs
(R − 1 degrees, none below two). A score that is null is left out of its mean and never taken as 0.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from store.queries import Verdict, read, verdicts
from store.result import Asked

Settings = Mapping[str, str]
"""A run's settings in words, by dotted name."""

SECTIONS = ("run", "data", "train", "seed_train", "sample", "eval", "judge", "select")
NOT_A_SETTING = ("run.seed",)
"""What tells replicates apart."""
ALWAYS = ("cell", "study", "run")
"""What runs can be grouped by whatever their settings are."""
UNSET = "–"


@dataclass(frozen=True)
class GroupPoint:
    """One generation of a group: means over its runs with 90 % intervals, None where there is nothing to average."""

    cycle: int
    runs: int
    """How many of the group's runs have finished it."""
    trait: float | None
    trait_low: float | None
    trait_high: float | None
    coherence: float | None
    coherence_low: float | None
    coherence_high: float | None
    delta: float | None
    delta_low: float | None
    delta_high: float | None


@dataclass(frozen=True)
class Group:
    """Runs that agree in the setting they are grouped by; `verdict` where they are one run or one whole cell.

    Where their traits were scored by different judges `mixed` says so, and nothing is averaged.
    """

    name: str
    run_ids: tuple[str, ...]
    points: tuple[GroupPoint, ...] = ()
    verdict: Verdict | None = None
    mixed: str | None = None


@dataclass(frozen=True)
class Choice:
    """Something to group by, with the values that the runs have in it."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Groups in the order of their first runs, and what else the same runs could be grouped by."""

    by: str
    groups: tuple[Group, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class MatrixCell:
    """One group's generation scored on one trait: the mean over its runs, and how many of them have it."""

    group: str
    cycle: int
    trait: str
    value: float | None
    runs: int


GROUPED = """
WITH grouped AS (SELECT unnest($runs) AS run_id, unnest($names) AS name)
SELECT g.name, c.cycle, count(*) AS runs,
    avg(c.trait) AS trait, stddev_samp(c.trait) AS trait_sd, count(c.trait) AS trait_n,
    avg(c.coherence) AS coherence, stddev_samp(c.coherence) AS coherence_sd, count(c.coherence) AS coherence_n,
    avg(d.delta) AS delta, stddev_samp(d.delta) AS delta_sd, count(d.delta) AS delta_n
FROM grouped AS g JOIN trait_curve AS c ON c.run_id = g.run_id
LEFT JOIN deltas AS d ON d.run_id = c.run_id AND d.cycle = c.cycle
GROUP BY g.name, c.cycle
"""
POINTS = f"""
SELECT *,
    trait - t90(trait_n - 1) * trait_sd / sqrt(trait_n) AS trait_low,
    trait + t90(trait_n - 1) * trait_sd / sqrt(trait_n) AS trait_high,
    coherence - t90(coherence_n - 1) * coherence_sd / sqrt(coherence_n) AS coherence_low,
    coherence + t90(coherence_n - 1) * coherence_sd / sqrt(coherence_n) AS coherence_high,
    delta - t90(delta_n - 1) * delta_sd / sqrt(delta_n) AS delta_low,
    delta + t90(delta_n - 1) * delta_sd / sqrt(delta_n) AS delta_high
FROM ({GROUPED}) ORDER BY name, cycle
"""
MATRIX = """
WITH grouped AS (SELECT unnest($runs) AS run_id, unnest($names) AS name)
SELECT g.name AS "group", m.cycle, m.trait, avg(m.value) AS value, count(m.value) AS runs
FROM grouped AS g JOIN trait_matrix AS m ON m.run_id = g.run_id GROUP BY ALL ORDER BY 1, 2, 3
"""
JUDGES = """
WITH grouped AS (SELECT unnest($runs) AS run_id, unnest($names) AS name)
SELECT g.name, list(DISTINCT j.judge_id ORDER BY j.judge_id) FROM grouped AS g JOIN run_judges AS j USING (run_id)
WHERE j.metric = 'trait' GROUP BY g.name
"""
RUNS = """
SELECT run_id, study, cell, name, CAST(spec AS VARCHAR) AS spec FROM runs
WHERE list_contains($runs, run_id) ORDER BY created_at, name, run_id
"""


def compare(
    lab: Asked,
    run_ids: Sequence[str],
    by: str = "cell",
    judge: str | None = None,
    judged: Sequence[Verdict] | None = None,
) -> Comparison:
    """These runs grouped by `cell`, `study`, `run` or a setting's dotted name; UsageError names what is allowed.

    With a judge's id points and verdicts are by that judge's scores, else by those of each run's own. `judged` has that
    judge's verdicts where they were worked out before.
    """
    found = {row["run_id"]: settings_of_run(row) for row in lab.sql(RUNS, {"runs": list(run_ids)}).rows()}
    choices = choices_of(list(found.values()))
    if by not in [*ALWAYS, *(choice.name for choice in choices)]:
        differing = ", ".join(choice.name for choice in choices) or "cell, study, run"
        raise UsageError(f"by {by!r}: these runs do not differ in it; allowed: {differing}.")
    members = grouped(found, by)
    if judge is not None:
        return Comparison(by, _judged(lab, members, judge, judged), choices)
    mixed = _mixed(lab, members)
    points = _points(lab, {name: ids for name, ids in members.items() if name not in mixed})
    told = by_runs(lab, verdicts(lab))
    groups = tuple(
        Group(name, ids, points.get(name, ()), told.get(frozenset(ids)), mixed.get(name))
        for name, ids in members.items()
    )
    return Comparison(by, groups, choices)


def _judged(
    lab: Asked, members: Mapping[str, tuple[str, ...]], judge: str, verdicts: Sequence[Verdict] | None
) -> tuple[Group, ...]:
    from store.judged_groups import judged_group_verdicts, judged_points

    points = judged_points(lab, members, judge)
    told = by_runs(lab, judged_group_verdicts(lab, members, judge) if verdicts is None else verdicts)
    return tuple(Group(name, ids, points[name], told.get(frozenset(ids))) for name, ids in members.items())


def settings_of_run(row: Mapping[str, Any]) -> Settings:
    """One run's settings, with its cell, study and name among them."""
    spec = json.loads(row["spec"])
    sections = {section: spec.get(section) or {} for section in SECTIONS}
    own = {name: in_words(value) for name, value in flat(sections) if name not in NOT_A_SETTING}
    return {"cell": row["cell"], "study": row["study"], "run": row["name"], **own}


def flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves of nested objects by dotted name."""
    leaves: list[tuple[str, Any]] = []
    for key, inner in value.items():
        leaves += flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else [(f"{prefix}{key}", inner)]
    return leaves


def in_words(value: object) -> str:
    """A setting's value as people write it."""
    if isinstance(value, list):
        return ", ".join(map(in_words, value)) or UNSET
    return UNSET if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def choices_of(runs: Sequence[Settings]) -> tuple[Choice, ...]:
    """What the runs differ in, the fewest values first; a setting that only some of them know counts as unset there."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = [Choice(name, tuple(dict.fromkeys(run.get(name, UNSET) for run in runs))) for name in names]
    differing = [choice for choice in found if len(choice.values) > 1]
    return tuple(sorted(differing, key=lambda choice: (choice.name not in ALWAYS, len(choice.values))))


def grouped(runs: Mapping[str, Settings], by: str) -> dict[str, tuple[str, ...]]:
    """Run ids by the value they have; cells and names that several studies share carry the study."""
    studies = {run["study"] for run in runs.values()}
    members: dict[str, list[str]] = defaultdict(list)
    for run_id, run in runs.items():
        name = run.get(by, UNSET)
        if by in ("cell", "run") and len(studies) > 1:
            name = f"{name} · {run['study']}"
        members[name].append(run_id)
    ordered = sorted(members, key=_number) if all(map(_is_number, members)) else list(members)
    return {name: tuple(members[name]) for name in ordered}


def matrix(lab: Asked, groups: Iterable[Group], judge: str | None = None) -> list[MatrixCell]:
    """What every trait that was scored did in each group, generation by generation; groups of two judges left out.

    With a judge's id it is what that judge said, of the seeded trait and of others.
    """
    asked = _asked({g.name: g.run_ids for g in groups if g.mixed is None})
    if judge is None:
        return read(MatrixCell, lab, MATRIX, asked)
    from store.judged_groups import MATRIX as JUDGED_MATRIX

    return read(MatrixCell, lab, JUDGED_MATRIX, {**asked, "judge": judge})


def _mixed(lab: Asked, members: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The groups whose runs' traits were scored by different judges, with who they are."""
    found = lab.sql(JUDGES, _asked(members)).tuples()
    return {
        name: f"scores of {len(judges)} judges are not averaged ({', '.join(judges)}); group by judge.model or run"
        for name, judges in found
        if len(judges) > 1
    }


def _points(lab: Asked, members: Mapping[str, Sequence[str]]) -> dict[str, tuple[GroupPoint, ...]]:
    names = GroupPoint.__dataclass_fields__
    points: dict[str, list[GroupPoint]] = defaultdict(list)
    for row in lab.sql(POINTS, _asked(members)).rows():
        points[row["name"]].append(GroupPoint(**{name: row[name] for name in names}))
    return {name: tuple(held) for name, held in points.items()}


def _asked(members: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    pairs = [(run_id, name) for name, ids in members.items() for run_id in ids]
    return {"runs": [run_id for run_id, _ in pairs], "names": [name for _, name in pairs]}


def by_runs(lab: Asked, told: Iterable[Verdict]) -> dict[frozenset[str], Verdict]:
    """Verdicts by the runs they are about; of a cell of one run its chain's."""
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in lab.sql("SELECT study, cell, run_id FROM runs").rows():
        cells[row["study"], row["cell"]].append(row["run_id"])
    found: dict[frozenset[str], Verdict] = {}
    for verdict in told:
        if verdict.scope == "run" and verdict.run_id is not None:
            found[frozenset([verdict.run_id])] = verdict
        elif len(cells[verdict.study, verdict.cell]) > 1:
            found[frozenset(cells[verdict.study, verdict.cell])] = verdict
    return found


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("e-", "", 1).isdigit()


def _number(text: str) -> float:
    return float(text)
