"""What an export of runs holds: one statement for each table, by the runs `$runs`.

Rows that a cycle made (texts, scores, steps) stand once, under the run that made them, a fork's inherited cycles among
them; curves and measures stand under every run that shows them, and `lineage` says whose rows a run's cycle has.
"""

from __future__ import annotations

OF_RUNS = "SELECT * FROM {} WHERE list_contains($runs::VARCHAR[], run_id) ORDER BY run_id{}"
OF_CYCLES = """
SELECT t.* FROM {} AS t WHERE EXISTS (
    FROM held_cycles AS h WHERE list_contains($runs::VARCHAR[], h.run_id)
        AND h.source_run_id = t.run_id AND t.cycle > h.after_cycle AND t.cycle <= h.to_cycle
)
"""
SAMPLES = OF_CYCLES.format("samples")
OF_SAMPLES = f"""
SELECT t.* FROM {{}} AS t WHERE t.sample_id IN (SELECT sample_id FROM ({SAMPLES})) ORDER BY t.ts, t.sample_id
"""
SCORES = f"""
SELECT
    s.sample_id, s.run_id, s.cycle, x.metric, x.judge_id, x.value, x.mass, x.variance, x.label, x.distribution,
    x.run_id AS judged_by, coalesce(o.judge_id = x.judge_id, FALSE) AS own
FROM scores AS x
JOIN ({SAMPLES}) AS s ON s.sample_id = x.sample_id
LEFT JOIN run_judges AS o ON o.run_id = s.run_id AND o.metric = x.metric
"""
JUDGES = f"""
SELECT j.* FROM judges AS j
WHERE (j.judge_id, j.metric) IN (SELECT DISTINCT judge_id, metric FROM ({SCORES})) ORDER BY j.metric, j.judge_id
"""
VERDICTS = """
SELECT v.* FROM verdicts AS v
WHERE list_contains($runs::VARCHAR[], v.run_id) OR (v.scope = 'cell' AND EXISTS (
    FROM runs AS r WHERE r.study = v.study AND r.cell = v.cell AND list_contains($runs::VARCHAR[], r.run_id)
))
ORDER BY v.study, v.cell, v.scope, v.run_id
"""

EXPORTED = {
    "runs": OF_RUNS.format("runs", ""),
    "lineage": OF_RUNS.format("lineage", ", cycle"),
    "cycles": OF_CYCLES.format("cycles"),
    "stages": OF_CYCLES.format("stages"),
    "samples": SAMPLES,
    "training_rows": OF_CYCLES.format("training_rows"),
    "train_steps": OF_CYCLES.format("train_steps"),
    "scores": SCORES,
    "judges": JUDGES,
    "labels": OF_SAMPLES.format("labels"),
    "marks": OF_SAMPLES.format("marks"),
    "trait_curve": OF_RUNS.format("trait_curve", ", cycle"),
    "deltas": OF_RUNS.format("deltas", ", cycle"),
    "trait_matrix": OF_RUNS.format("trait_matrix", ", cycle, trait"),
    "generation_measures": OF_RUNS.format("generation_measures", ", cycle"),
    "verdicts": VERDICTS,
}
"""Statements by the names of their tables; the large ones ask for no order, so that they stream."""
