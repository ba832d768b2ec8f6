-- What a verdict is worth: the bootstrap beside it, p and q, where its variance comes from, what would decide it.

ALTER TABLE verdicts ADD COLUMN judged INTEGER;
ALTER TABLE verdicts ADD COLUMN boot_low DOUBLE;
ALTER TABLE verdicts ADD COLUMN boot_high DOUBLE;
ALTER TABLE verdicts ADD COLUMN p_drift DOUBLE;
ALTER TABLE verdicts ADD COLUMN q_drift DOUBLE;
ALTER TABLE verdicts ADD COLUMN p_above DOUBLE;
ALTER TABLE verdicts ADD COLUMN q_above DOUBLE;
ALTER TABLE verdicts ADD COLUMN sd_samples DOUBLE;
ALTER TABLE verdicts ADD COLUMN sd_prompts DOUBLE;
ALTER TABLE verdicts ADD COLUMN sd_replicates DOUBLE;
ALTER TABLE verdicts ADD COLUMN sd_shared_prompts DOUBLE;
ALTER TABLE verdicts ADD COLUMN needed_samples INTEGER;
ALTER TABLE verdicts ADD COLUMN needed_prompts INTEGER;
ALTER TABLE verdicts ADD COLUMN needed_replicates INTEGER;
ALTER TABLE verdicts ADD COLUMN cheapest VARCHAR;
ALTER TABLE verdicts ADD COLUMN retention DOUBLE;
ALTER TABLE verdicts ADD COLUMN half_life DOUBLE;
ALTER TABLE verdicts ADD COLUMN half_life_reason VARCHAR;

-- Per generation of a finished run: what is left of the trait, and whether this cycle changed more than re-measuring does.
CREATE TABLE chain_measures (
    run_id VARCHAR, cycle INTEGER, retention DOUBLE, retention_reason VARCHAR,
    idempotence_ratio DOUBLE, idempotence_reason VARCHAR, moved BOOLEAN
);

-- Wilson's 95 % interval of a rate.
CREATE MACRO wilson_low(hits, total) AS CASE WHEN hits = 0 AND total > 0 THEN 0.0 WHEN total > 0 THEN
    (hits / total + 1.920729410 / total
        - 1.959963985 * sqrt(hits / total * (1 - hits / total) / total + 0.960364705 / (total * total)))
    / (1 + 3.841458821 / total) END;
CREATE MACRO wilson_high(hits, total) AS CASE WHEN hits = total AND total > 0 THEN 1.0 WHEN total > 0 THEN
    (hits / total + 1.920729410 / total
        + 1.959963985 * sqrt(hits / total * (1 - hits / total) / total + 0.960364705 / (total * total)))
    / (1 + 3.841458821 / total) END;

-- How often a study's runs are amplified by the paper's rule, and its cells get each label; controls apart.
CREATE VIEW rates AS
WITH kinds AS (SELECT DISTINCT study, cell, control FROM runs),
told AS (
    SELECT v.study, k.control, v.scope, 'amplified by the paper' AS what, v.amplified_by_paper AS hit
    FROM verdicts AS v JOIN kinds AS k USING (study, cell) WHERE v.amplified_by_paper IS NOT NULL
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
