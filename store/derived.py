"""Rows made of rows, in the same transaction: prompt means of finished cycles, verdicts of finished runs and cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from store.statistics.chain import Chain
from store.statistics.reading import with_answers
from store.statistics.rows import adjust_studies, measure_rows, put, verdict_row
from store.tables import incoming
from store.verdict import cell_verdict, run_verdict

PROMPT_MEANS = """
INSERT INTO prompt_means
WITH own AS (
    SELECT f.run_id, s.cycle, c.metric, s.prompt_id, list(c.value ORDER BY s.draw, s.sample_id) AS scores
    FROM stored_samples AS s
    JOIN stored_scores AS c ON c.run_no = s.run_no AND c.cycle = s.cycle AND c.sample_id = s.sample_id
    JOIN incoming AS f ON f.run_no = s.run_no AND f.cycle = s.cycle
    JOIN run_judges AS j ON j.run_id = f.run_id AND j.metric = c.metric AND j.judge_id = c.judge_id
    WHERE s.purpose = 'eval' AND s.run_no BETWEEN $first AND $last AND c.run_no BETWEEN $first AND $last
    GROUP BY ALL
)
SELECT
    run_id, cycle, metric, prompt_id, list_avg(scores), list_var_samp(scores),
    len(scores), len(scores) - len(list_filter(scores, lambda score: score IS NOT NULL))
FROM own
"""
"""Sums run over a sorted list, so that a rebuilt lab holds the very same numbers."""

CELLS = """
SELECT study, cell, count(*) FROM runs
WHERE (study, cell) IN (SELECT (study, cell) FROM runs WHERE list_contains(?, run_id)) GROUP BY ALL ORDER BY ALL
"""
"""Cells with all the runs that they will have."""


def write_prompt_means(connection: duckdb.DuckDBPyConnection, cycles: Sequence[tuple[str, int, int]]) -> None:
    """Means per eval prompt of these finished cycles, each a run id, a cycle and the run's number."""
    if not cycles:
        return
    with incoming(connection, "finished_cycles", cycles):
        connection.execute(
            "DELETE FROM prompt_means USING incoming AS f WHERE prompt_means.run_id = f.run_id "
            "AND prompt_means.cycle = f.cycle"
        )
        numbers = [number for *_, number in cycles]
        connection.execute(PROMPT_MEANS, {"first": min(numbers), "last": max(numbers)})


def write_verdicts(connection: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> None:
    """Verdicts of these finished runs, and of every cell they belong to that has, or will have, replicates."""
    run_ids = list(run_ids)
    if not run_ids:
        return
    planned = {(study, cell): count for study, cell, count in connection.execute(CELLS, [run_ids]).fetchall()}
    finished = {key: _finished_chains(connection, *key) for key in planned}
    whole = {c.run_id: c for c in with_answers(connection, [c for chains in finished.values() for c in chains])}
    verdicts, measures = [], []
    for (study, cell), chains in finished.items():
        chains = [whole[chain.run_id] for chain in chains]
        for chain in chains:
            if chain.run_id in run_ids:
                verdicts.append(verdict_row(run_verdict(chain), study, cell, 1, chain))
                measures += measure_rows(chain)
        if len(chains) >= 2 or (chains and planned[study, cell] > 1):
            verdicts.append(verdict_row(cell_verdict(chains), study, cell, len(chains)))
    put(connection, "verdicts", verdicts, ("scope", "run_id", "study", "cell"))
    put(connection, "chain_measures", measures, ("run_id", "cycle"))
    adjust_studies(connection, [study for study, _ in planned])


def _finished_chains(connection: duckdb.DuckDBPyConnection, study: str, cell: str) -> list[Chain]:
    """The finished chains of a cell, replicates in order."""
    query = """
        SELECT run_id, replicate, cycles FROM runs
        WHERE study = ? AND cell = ? AND status = 'finished' ORDER BY replicate, run_id
    """
    return [
        _chain(connection, run_id, f"replicate {replicate}", cycles)
        for run_id, replicate, cycles in connection.execute(query, [study, cell]).fetchall()
    ]


def _chain(connection: duckdb.DuckDBPyConnection, run_id: str, name: str, cycles: int) -> Chain:
    query = """
        SELECT cycle, metric, prompt_id, value FROM chain_prompt_means
        WHERE run_id = ? AND metric IN ('trait', 'coherence') ORDER BY cycle, metric, prompt_id
    """
    scores: dict[str, dict[int, dict[str, float | None]]] = {"trait": {}, "coherence": {}}
    for cycle, metric, prompt_id, value in connection.execute(query, [run_id]).fetchall():
        scores[metric].setdefault(cycle, {})[prompt_id] = value
    return Chain(run_id, name, cycles, scores["trait"], scores["coherence"])
