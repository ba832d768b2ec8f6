-- A cell of several planned replicates has its verdict from the first that finishes on: its note says what is missing.

INSERT INTO owed_verdicts
SELECT min(run_id) FILTER (status = 'finished') FROM runs GROUP BY study, cell
HAVING count(*) > 1 AND count(*) FILTER (status = 'finished') = 1;

-- How often a study's runs are amplified by the paper's rule, and its cells get each label; controls apart. A cell of one
-- replicate is that chain, and counts as a chain alone.
CREATE OR REPLACE VIEW rates AS
WITH kinds AS (SELECT DISTINCT study, cell, control FROM runs),
told AS (
    SELECT v.study, k.control, v.scope, 'amplified by the paper' AS what, v.amplified_by_paper AS hit
    FROM verdicts AS v JOIN kinds AS k USING (study, cell)
    WHERE v.amplified_by_paper IS NOT NULL AND (v.scope = 'run' OR v.judged > 1)
    UNION ALL
    SELECT v.study, k.control, v.scope, w.what, v.label = w.what
    FROM verdicts AS v JOIN kinds AS k USING (study, cell)
    CROSS JOIN (VALUES ('AMPLIFIED'), ('ROSE'), ('CONSTANT'), ('DECAYED'), ('UNDECIDED')) AS w (what)
    WHERE v.scope = 'cell' AND v.label IS NOT NULL
),
counted AS (
    SELECT study, control, scope, what, count(*) FILTER (hit) AS hits, count(*) AS total FROM told GROUP BY ALL
)
SELECT
    study, control, scope, what, hits, total, hits / total AS rate,
    wilson_low(hits, total) AS low, wilson_high(hits, total) AS high
FROM counted;
