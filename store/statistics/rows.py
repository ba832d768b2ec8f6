"""Verdicts and chain measures as rows of the database, and a study's q-values anew when one of its cells moves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from store.statistics.chain import Chain
from store.statistics.halflife import fit_decay
from store.statistics.measures import FLAGGED_ABOVE, Measure, idempotence, retention
from store.statistics.rates import adjusted
from store.verdict import Verdict

Row = dict[str, Any]

TEXT, INT, REAL, YES = pa.string(), pa.int32(), pa.float64(), pa.bool_()
TYPES: Mapping[str, Mapping[str, pa.DataType]] = {
    "verdicts": {
        "scope": TEXT, "run_id": TEXT, "study": TEXT, "cell": TEXT, "replicates": INT, "amplified_by_paper": YES,
        "a": REAL, "l": REAL, "ci_low": REAL, "ci_high": REAL, "label": TEXT, "suffixes": pa.list_(TEXT),
        "notes": pa.list_(TEXT), "judged": INT, "boot_low": REAL, "boot_high": REAL, "p_drift": REAL, "p_above": REAL,
        "sd_samples": REAL, "sd_prompts": REAL, "sd_replicates": REAL, "sd_shared_prompts": REAL,
        "needed_samples": INT, "needed_prompts": INT, "needed_replicates": INT, "cheapest": TEXT,
        "retention": REAL, "half_life": REAL, "half_life_reason": TEXT,
    },
    "chain_measures": {
        "run_id": TEXT, "cycle": INT, "retention": REAL, "retention_reason": TEXT,
        "idempotence_ratio": REAL, "idempotence_reason": TEXT, "moved": YES,
    },
}  # fmt: skip


def verdict_row(verdict: Verdict, study: str, cell: str, replicates: int, chain: Chain | None = None) -> Row:
    """One row of `verdicts`, of a run where `chain` is given and else of the cell."""
    row: Row = {
        "scope": "cell" if chain is None else "run",
        "run_id": None if chain is None else chain.run_id,
        "study": study, "cell": cell, "replicates": replicates,
        "amplified_by_paper": verdict.amplified_by_paper, "a": verdict.a, "l": verdict.l,
        "ci_low": verdict.ci_low, "ci_high": verdict.ci_high, "label": verdict.label,
        "suffixes": list(verdict.suffixes), "notes": list(verdict.notes), "judged": verdict.judged,
        "p_drift": verdict.p_drift, "p_above": verdict.p_above,
    }  # fmt: skip
    if verdict.bootstrap:
        row["boot_low"], row["boot_high"] = verdict.bootstrap
    return row | _parts(verdict) | (_kept(chain) if chain is not None else {})


def _parts(verdict: Verdict) -> Row:
    parts, needed = verdict.components, verdict.needed
    row: Row = {}
    if parts:
        row |= {
            "sd_samples": _root(parts.samples), "sd_prompts": _root(parts.prompts),
            "sd_replicates": _root(parts.replicates), "sd_shared_prompts": _root(parts.shared),
        }  # fmt: skip
    if needed:
        row |= {
            "needed_samples": needed.samples, "needed_prompts": needed.prompts,
            "needed_replicates": needed.replicates, "cheapest": needed.cheapest,
        }  # fmt: skip
    return row


def _root(variance: float | None) -> float | None:
    return None if variance is None else math.sqrt(variance)


def _kept(chain: Chain) -> Row:
    """Retention at the last cycle, and the half-life over the prompts that every scored cycle has."""
    decay = fit_decay(_curve(chain))
    kept = retention(chain.trait, chain.cycles) if chain.cycles > 0 else Measure(None)
    return {"retention": kept.value, "half_life": decay.half_life, "half_life_reason": decay.reason}


def _curve(chain: Chain) -> list[float | None]:
    """s_0 … s_N over one set of prompts: those that every cycle with any score has."""
    cycles = range(chain.cycles + 1)
    scored = {c: {p: s for p, s in chain.trait.get(c, {}).items() if s is not None} for c in cycles}
    held = [set(scores) for scores in scored.values() if scores]
    prompts = sorted(set.intersection(*held)) if held else []
    if not prompts:
        return [None] * len(cycles)
    return [sum(scored[c][p] for p in prompts) / len(prompts) if scored[c] else None for c in cycles]


def measure_rows(chain: Chain) -> list[Row]:
    """One row of `chain_measures` per generation after M_0."""
    rows: list[Row] = []
    for cycle in range(1, chain.cycles + 1):
        kept = retention(chain.trait, cycle)
        ratio = idempotence(chain.draws.get(cycle - 1, {}), chain.draws.get(cycle, {}))
        moved = None if ratio.value is None else ratio.value > FLAGGED_ABOVE
        rows.append(
            {
                "run_id": chain.run_id, "cycle": cycle, "retention": kept.value, "retention_reason": kept.reason,
                "idempotence_ratio": ratio.value, "idempotence_reason": ratio.reason, "moved": moved,
            }
        )  # fmt: skip
    return rows


def put(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row], key: Sequence[str]) -> None:
    """Write rows in the place of those with the same key; a column that a row lacks is null."""
    if not rows:
        return
    columns = TYPES[table]
    schema = pa.schema(list(columns.items()))
    complete = [{name: row.get(name) for name in columns} for row in rows]
    connection.register("stated", pa.Table.from_pylist(complete, schema=schema))
    try:
        same = " AND ".join(f"{table}.{name} IS NOT DISTINCT FROM stated.{name}" for name in key)
        connection.execute(f"DELETE FROM {table} USING stated WHERE {same}")
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM stated")
    finally:
        connection.unregister("stated")


def adjust_studies(connection: duckdb.DuckDBPyConnection, studies: Iterable[str]) -> None:
    """Benjamini–Hochberg over each study's cells, controls apart: `q_drift` of `p_drift`, `q_above` of `p_above`."""
    query = """
        SELECT cell, p_drift, p_above FROM verdicts
        WHERE scope = 'cell' AND study = ?
            AND cell NOT IN (SELECT cell FROM runs WHERE study = ? AND control IS NOT NULL)
        ORDER BY cell
    """
    for study in sorted(set(studies)):
        cells = connection.execute(query, [study, study]).fetchall()
        drift, above = adjusted([row[1] for row in cells]), adjusted([row[2] for row in cells])
        for (cell, *_), q_drift, q_above in zip(cells, drift, above, strict=True):
            connection.execute(
                "UPDATE verdicts SET q_drift = ?, q_above = ? WHERE scope = 'cell' AND study = ? AND cell = ?",
                [q_drift, q_above, study, cell],
            )
