"""Verdicts by a judge of one's choice, as rows of `verdicts` would be; the lab keeps those of the runs' own judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from store.judged import judged_chains
from store.result import Asked
from store.statistics.chain import Chain
from store.statistics.rates import adjusted
from store.statistics.rows import TYPES, Row, verdict_row
from store.verdict import cell_verdict, run_verdict

RUNS = """
SELECT run_id, study, cell, control, count(*) OVER (PARTITION BY study, cell) AS planned, status FROM runs
QUALIFY list_contains($runs, run_id) AND status = 'finished' ORDER BY study, cell, replicate, run_id
"""
Key = tuple[str, str]


def judged_verdicts(
    lab: Asked,
    run_ids: Sequence[str],
    judge: str,
    chains: Mapping[str, Chain] | None = None,
    *,
    of_cells: bool = True,
) -> list[Row]:
    """Verdicts of the finished ones of these runs and of their cells, q over each study's cells, controls apart.

    `chains` has the runs as that judge scored them, where they were read already. Those of cells take their time where
    there are ten replicates; who needs none says `of_cells=False`.
    """
    finished = lab.sql(RUNS, {"runs": list(run_ids)}).rows()
    if chains is None:
        chains = judged_chains(lab, [run["run_id"] for run in finished], judge)
    cells: dict[Key, list[Row]] = defaultdict(list)
    for run in finished:
        cells[run["study"], run["cell"]].append(run)
    rows: list[Row] = []
    for (study, cell), members in cells.items():
        held = [chains[run["run_id"]] for run in members]
        rows += [_row(chain, study, cell) for chain in held]
        if of_cells and members[0]["planned"] > 1:
            found = verdict_row(cell_verdict(held), study, cell, len(held))
            rows.append(found | {"control": members[0]["control"]})
    _adjust([row for row in rows if row["scope"] == "cell" and row["control"] is None])
    empty = dict.fromkeys((*TYPES["verdicts"], "q_drift", "q_above"))
    return [{**empty, **{name: value for name, value in row.items() if name != "control"}} for row in rows]


def _row(chain: Chain, study: str, cell: str) -> Row:
    row = verdict_row(run_verdict(chain), study, cell, 1, chain)
    unsaid = [] if any(chain.coherence.values()) else ["no coherence by this judge: DEGENERATE cannot be told"]
    return row | {"notes": [*row["notes"], *unsaid]}


def _adjust(cells: list[Row]) -> None:
    by_study: dict[str, list[Row]] = defaultdict(list)
    for row in cells:
        by_study[row["study"]].append(row)
    for rows in by_study.values():
        for p, q in (("p_drift", "q_drift"), ("p_above", "q_above")):
            for row, value in zip(rows, adjusted([row[p] for row in rows]), strict=True):
                row[q] = value
