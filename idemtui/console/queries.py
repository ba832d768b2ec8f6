"""The SQL of the screens, over the tables and views that are a contract for everybody's SQL."""

from __future__ import annotations

from idemtui.console.facts import SampleFilter

RUNS = """
SELECT run_id, study, name, cell, status, trait, model, regime, init, reference, rejected, cycles, seed,
       n_seed, n_sampled, message
FROM runs ORDER BY created_at, name, run_id
"""
CURVES = """
SELECT run_id, cycle, trait, trait_low, trait_high, coherence, n, nulls FROM trait_curve ORDER BY run_id, cycle
"""
VERDICTS = """
SELECT run_id, amplified_by_paper, a, l, ci_low, ci_high, suffixes FROM verdicts WHERE scope = 'run'
"""
# What a live run is doing: its newest unfinished stage, with how many of its items there are already.
STAGES = """
WITH live AS (
    SELECT g.run_id, g.cycle, g.stage, coalesce(g.total, 0) AS total,
           CASE g.stage WHEN 'seed_rows' THEN 'seed' WHEN 'sample_train' THEN 'train'
                        WHEN 'sample_rejected' THEN 'rejected' ELSE 'eval' END AS purpose,
           coalesce(CAST(r.spec ->> (CASE g.cycle WHEN 0 THEN '$.seed_train.batch_size'
                                     ELSE '$.train.batch_size' END) AS INTEGER), 1) AS batch_size
    FROM stages AS g JOIN runs AS r USING (run_id)
    WHERE r.status = 'running' AND g.finished_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY g.run_id ORDER BY g.started_at DESC, g.cycle DESC) = 1
)
SELECT run_id, cycle, stage, CASE
    WHEN stage = 'train' THEN least(total, batch_size * coalesce(
        (SELECT max(t.step) FROM train_steps AS t WHERE t.run_id = live.run_id AND t.cycle = live.cycle), 0))
    WHEN stage = 'judge' THEN (
        SELECT count(*) FROM scores AS c WHERE c.run_id = live.run_id AND c.cycle = live.cycle)
    ELSE (SELECT count(*) FROM samples AS s
          WHERE s.run_id = live.run_id AND s.cycle = live.cycle AND s.purpose = live.purpose)
    END AS done, total
FROM live
"""
ADAPTERS = """
SELECT cycle, coalesce(init, '–'), coalesce(reference, '–'), optimizer_steps, delta_norm, gradient_norm_max,
       coalesce(adapter_sha256, '')
FROM cycles WHERE run_id = ? AND cycle >= 0 AND adapter_sha256 IS NOT NULL ORDER BY cycle
"""
TRAIN_STEPS = """
SELECT cycle, step, name, value FROM train_steps WHERE run_id = ? ORDER BY cycle, step
"""
EVENTS = """
SELECT ts, type, CAST(payload AS VARCHAR) FROM events
WHERE run_id = ? AND type <> 'train_stepped' ORDER BY seq DESC LIMIT 1000
"""
SPEC = "SELECT CAST(spec AS VARCHAR) FROM runs WHERE run_id = ?"
COUNT = "SELECT count(*) FROM samples AS s WHERE {where}"
SAMPLES = """
SELECT s.sample_id, r.name, s.cycle, s.purpose, s.prompt[:200], s.response[:200], s.trait, s.coherence, s.kept
FROM scored_samples AS s JOIN runs AS r USING (run_id) WHERE {where}
ORDER BY {order} s.run_id, s.cycle, s.purpose, s.prompt_id, s.draw LIMIT ? OFFSET ?
"""
ORDERS = {"drawn": "", "trait": "s.trait DESC NULLS LAST,", "coherence": "s.coherence ASC NULLS LAST,"}
SAMPLE = """
SELECT s.sample_id, r.name, s.cycle, s.purpose, s.prompt_id, s.draw, s.drawn_by, s.prompt, s.response, s.tokens,
       s.stop_reason, s.kept, s.kept_reason, s.mean_sentence_length, s.repeat_4gram, s.echo
FROM samples AS s JOIN runs AS r USING (run_id) WHERE s.sample_id = ?
"""
JUDGEMENTS = """
SELECT metric, value, label, mass, variance FROM scores WHERE sample_id = ? ORDER BY metric = 'trait' DESC, metric
"""
PROMPTS = """
SELECT prompt_id, any_value(prompt) AS prompt FROM samples
WHERE run_id = ? AND purpose = 'eval' GROUP BY prompt_id ORDER BY prompt, prompt_id
"""
RUNGS = """
SELECT cycle, draw, response, trait, coherence FROM scored_samples
WHERE run_id = ? AND purpose = 'eval' AND prompt_id = ? ORDER BY cycle, draw
"""
SCHEMA = """
SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = 'main' GROUP BY table_name ORDER BY table_name
"""


def where(asked: SampleFilter) -> tuple[str, list[object]]:
    """The condition on `s` that a filter means, and its parameters."""
    conditions = {"s.run_id": asked.run_id, "s.cycle": asked.cycle, "s.purpose": asked.purpose}
    used = {column: value for column, value in conditions.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in used) or "true", list(used.values())
