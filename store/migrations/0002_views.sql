-- 0.95 quantile of Student's t (a two-sided 90 % interval): a table up to 30 degrees, Hill's expansion above (5e-7).
CREATE MACRO t90(df) AS CASE
    WHEN df < 1 THEN NULL
    WHEN df <= 30 THEN [
        6.313752, 2.919986, 2.353363, 2.131847, 2.015048, 1.94318, 1.894579, 1.859548, 1.833113, 1.812461,
        1.795885, 1.782288, 1.770933, 1.76131, 1.75305, 1.745884, 1.739607, 1.734064, 1.729133, 1.724718,
        1.720743, 1.717144, 1.713872, 1.710882, 1.708141, 1.705618, 1.703288, 1.701131, 1.699127, 1.697261
    ][CAST(df AS INTEGER)]::DOUBLE
    ELSE 1.644853627 + 1.523769 / df + 1.420200 / (df * df) + 0.983002 / (df * df * df)
END;

-- s(M) of every finished cycle: mean over prompts of per-prompt means, error clustered by prompt.
CREATE VIEW trait_curve AS
WITH means AS (
    SELECT
        run_id, cycle,
        avg(value) FILTER (metric = 'trait') AS trait,
        stddev_samp(value) FILTER (metric = 'trait') AS sd,
        count(value) FILTER (metric = 'trait') AS prompts,
        avg(value) FILTER (metric = 'coherence') AS coherence,
        coalesce(sum(n) FILTER (metric = 'trait'), 0) AS n,
        coalesce(sum(nulls) FILTER (metric = 'trait'), 0) AS nulls
    FROM prompt_means WHERE metric IN ('trait', 'coherence') GROUP BY run_id, cycle
)
SELECT
    run_id, cycle, trait, sd / sqrt(prompts) AS trait_se,
    trait - t90(prompts - 1) * sd / sqrt(prompts) AS trait_low,
    trait + t90(prompts - 1) * sd / sqrt(prompts) AS trait_high,
    coherence, CAST(n AS BIGINT) AS n, CAST(nulls AS BIGINT) AS nulls, prompts
FROM means;

-- Δ_j = s(M_j) − s(M_0), paired by eval prompt.
CREATE VIEW deltas AS
SELECT
    j.run_id, j.cycle, avg(j.value - m.value) AS delta,
    stddev_samp(j.value - m.value) / sqrt(count(j.value - m.value)) AS delta_se, count(j.value - m.value) AS prompts
FROM prompt_means AS j JOIN prompt_means AS m ON m.run_id = j.run_id AND m.prompt_id = j.prompt_id
WHERE j.metric = 'trait' AND m.metric = 'trait' AND m.cycle = 0
GROUP BY j.run_id, j.cycle;

-- Samples with the scores of the run's own judges beside them.
CREATE VIEW scored_samples AS
SELECT
    s.*, t.value AS trait, t.label AS trait_label, t.mass AS trait_mass, c.value AS coherence, c.label AS coherence_label
FROM samples AS s
LEFT JOIN (SELECT x.* FROM scores AS x JOIN run_judges AS r USING (run_id, metric, judge_id) WHERE metric = 'trait') AS t
    ON t.run_id = s.run_id AND t.cycle = s.cycle AND t.sample_id = s.sample_id
LEFT JOIN (
    SELECT x.* FROM scores AS x JOIN run_judges AS r USING (run_id, metric, judge_id) WHERE metric = 'coherence'
) AS c ON c.run_id = s.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id;

-- One eval prompt from base to M_N: each generation's answer beside the one before and beside base's.
CREATE VIEW ladder AS
SELECT
    run_id, prompt_id, prompt, draw, cycle, response, trait, coherence,
    lag(response) OVER one_prompt AS previous_response,
    first_value(response) OVER one_prompt AS first_response, sample_id
FROM scored_samples WHERE purpose = 'eval'
WINDOW one_prompt AS (PARTITION BY run_id, prompt_id, draw ORDER BY cycle);

-- Which run holds the rows of a run's cycles: itself, or for a fork's inherited cycles an ancestor.
CREATE VIEW lineage AS
WITH RECURSIVE walk (run_id, source_run_id, last_cycle, depth) AS (
    SELECT run_id, run_id, cycles, 0 FROM runs
    UNION ALL
    SELECT w.run_id, r.parent_run_id, least(w.last_cycle, r.forked_at_cycle), w.depth + 1
    FROM walk AS w JOIN runs AS r ON r.run_id = w.source_run_id
    WHERE r.parent_run_id IS NOT NULL
)
SELECT w.run_id, c.cycle, w.source_run_id, w.depth
FROM walk AS w JOIN cycles AS c ON c.run_id = w.source_run_id AND c.cycle <= w.last_cycle
QUALIFY row_number() OVER (PARTITION BY w.run_id, c.cycle ORDER BY w.depth DESC) = 1;

CREATE VIEW ingest_errors AS SELECT run_id, file, byte_offset, error FROM journals WHERE error IS NOT NULL;
