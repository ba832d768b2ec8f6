"""The few questions of the screens that the store's typed ones do not answer, over tables that are everybody's."""

from __future__ import annotations

# Curves are read beside it: the store's own question for runs would work each of them out once more.
RUNS = """
SELECT r.* EXCLUDE (spec) REPLACE (coalesce(r.message, '') AS message), j.method AS judge_method
FROM runs AS r
LEFT JOIN run_judges AS o ON o.run_id = r.run_id AND o.metric = 'trait'
LEFT JOIN judges AS j ON j.judge_id = o.judge_id AND j.metric = o.metric
ORDER BY r.created_at, r.name, r.run_id
"""
ADAPTERS = """
SELECT c.cycle, coalesce(c.init, '–') AS init, coalesce(c.reference, '–') AS reference, c.optimizer_steps,
       c.delta_norm, c.gradient_norm_max, c.adapter_sha256 AS sha256,
       CASE WHEN l.source_run_id = l.run_id THEN '' ELSE coalesce(r.name, l.source_run_id) END AS made_by
FROM lineage AS l JOIN cycles AS c ON c.run_id = l.source_run_id AND c.cycle = l.cycle
LEFT JOIN runs AS r ON r.run_id = l.source_run_id
WHERE l.run_id = ? AND c.cycle >= 0 AND c.adapter_sha256 IS NOT NULL ORDER BY c.cycle
"""
# Steps of a training are in its own table, and would push everything else out of sight.
EVENTS = """
SELECT seq, ts, type, payload FROM events
WHERE run_id = ? AND type <> 'train_stepped' ORDER BY seq DESC LIMIT 1000
"""
SPEC = "SELECT CAST(spec AS VARCHAR) FROM runs WHERE run_id = ?"
SCHEMA = """
SELECT table_name, list(column_name ORDER BY ordinal_position), list(data_type ORDER BY ordinal_position)
FROM information_schema.columns WHERE table_schema = 'main' GROUP BY table_name ORDER BY table_name
"""
KEYWORDS = "SELECT keyword_name FROM duckdb_keywords() ORDER BY keyword_category <> 'reserved', keyword_name"
FUNCTIONS = """
SELECT DISTINCT function_name FROM duckdb_functions()
WHERE function_type IN ('scalar', 'aggregate', 'macro') AND function_name SIMILAR TO '[a-z][a-z_0-9]+' ORDER BY 1
"""
