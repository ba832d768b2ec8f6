-- What the lab server asks of a run and learns of its worker, forks, and the numbers of a thousand runs at hand.

ALTER TABLE commands ADD COLUMN boot_id VARCHAR;
ALTER TABLE commands ADD COLUMN device VARCHAR;
ALTER TABLE commands ADD COLUMN priority INTEGER;
ALTER TABLE commands ADD COLUMN message VARCHAR;
ALTER TABLE commands ADD COLUMN log_tail VARCHAR[];
ALTER TABLE commands ADD COLUMN cycles INTEGER[];
ALTER TABLE runs ADD COLUMN log_tail VARCHAR[];

-- Where a fork's inherited cycles are: those after `after_cycle` up to `to_cycle` are rows of `source_run_id`.
CREATE TABLE inherited (run_id VARCHAR, source_run_id VARCHAR, after_cycle INTEGER, to_cycle INTEGER, depth INTEGER);

-- A finished cycle's own numbers, written once: what the views trait_curve and deltas show.
CREATE TABLE cycle_means (
    run_id VARCHAR, cycle INTEGER, trait DOUBLE, trait_sd DOUBLE, prompts BIGINT, coherence DOUBLE, n BIGINT, nulls BIGINT
);
CREATE TABLE cycle_deltas (run_id VARCHAR, cycle INTEGER, delta DOUBLE, delta_se DOUBLE, prompts BIGINT);

-- Runs whose verdicts are behind their rows; worked off after ingest, so that no row waits for statistics.
CREATE TABLE owed_verdicts (run_id VARCHAR);

-- What the lab's version counts beside the lines of its files, so that it never goes back.
CREATE TABLE beside_lines (count BIGINT);
INSERT INTO beside_lines VALUES (0);

INSERT INTO cycle_means
SELECT
    run_id, cycle,
    avg(value) FILTER (metric = 'trait'), stddev_samp(value) FILTER (metric = 'trait'),
    count(value) FILTER (metric = 'trait'), avg(value) FILTER (metric = 'coherence'),
    coalesce(sum(n) FILTER (metric = 'trait'), 0), coalesce(sum(nulls) FILTER (metric = 'trait'), 0)
FROM prompt_means WHERE metric IN ('trait', 'coherence') GROUP BY run_id, cycle;

INSERT INTO cycle_deltas SELECT run_id, cycle, delta, delta_se, prompts FROM deltas;

DROP VIEW ladder;
DROP VIEW scored_samples;
DROP VIEW deltas;
DROP VIEW trait_curve;
DROP VIEW lineage;

-- The big tables are kept by a number that grows with every run, so that a question about one run reads the blocks that
-- hold it and no others (a run id is random: every block holds the smallest and the largest). People see the views.
CREATE TABLE run_numbers AS
SELECT run_id, CAST(row_number() OVER (ORDER BY created_at, run_id) AS INTEGER) AS run_no FROM runs;

CREATE TABLE stored_samples AS
SELECT n.run_no, s.* EXCLUDE (run_id) FROM samples AS s JOIN run_numbers AS n USING (run_id) ORDER BY n.run_no, s.cycle;
CREATE TABLE stored_scores AS
SELECT n.run_no, s.* EXCLUDE (run_id) FROM scores AS s JOIN run_numbers AS n USING (run_id) ORDER BY n.run_no, s.cycle;
CREATE TABLE stored_training_rows AS
SELECT n.run_no, t.* EXCLUDE (run_id) FROM training_rows AS t JOIN run_numbers AS n USING (run_id) ORDER BY n.run_no;
CREATE TABLE stored_train_steps AS
SELECT n.run_no, t.* EXCLUDE (run_id) FROM train_steps AS t JOIN run_numbers AS n USING (run_id) ORDER BY n.run_no;
CREATE TABLE stored_events AS
SELECT n.run_no, e.* EXCLUDE (run_id) FROM events AS e JOIN run_numbers AS n USING (run_id) ORDER BY n.run_no, e.seq;

DROP TABLE samples;
DROP TABLE scores;
DROP TABLE training_rows;
DROP TABLE train_steps;
DROP TABLE events;

CREATE VIEW samples AS
SELECT s.sample_id, n.run_id, s.* EXCLUDE (run_no, sample_id) FROM stored_samples AS s JOIN run_numbers AS n USING (run_no);
CREATE VIEW scores AS
SELECT s.* EXCLUDE (run_no, cycle), n.run_id, s.cycle FROM stored_scores AS s JOIN run_numbers AS n USING (run_no);
CREATE VIEW training_rows AS
SELECT n.run_id, t.* EXCLUDE (run_no) FROM stored_training_rows AS t JOIN run_numbers AS n USING (run_no);
CREATE VIEW train_steps AS
SELECT n.run_id, t.* EXCLUDE (run_no) FROM stored_train_steps AS t JOIN run_numbers AS n USING (run_no);
CREATE VIEW events AS
SELECT n.run_id, e.* EXCLUDE (run_no) FROM stored_events AS e JOIN run_numbers AS n USING (run_no);

-- Which run holds the rows of a run's cycles: itself, or for a fork's inherited cycles an ancestor.
CREATE VIEW lineage AS
SELECT run_id, cycle, run_id AS source_run_id, 0 AS depth FROM cycles
UNION ALL
SELECT i.run_id, c.cycle, i.source_run_id, i.depth
FROM inherited AS i JOIN cycles AS c ON c.run_id = i.source_run_id AND c.cycle > i.after_cycle AND c.cycle <= i.to_cycle;

-- Prompt means of all of a run's cycles, a fork's inherited ones among them.
CREATE VIEW chain_prompt_means AS
SELECT * FROM prompt_means
UNION ALL
SELECT m.* REPLACE (i.run_id AS run_id) FROM inherited AS i
JOIN prompt_means AS m ON m.run_id = i.source_run_id AND m.cycle > i.after_cycle AND m.cycle <= i.to_cycle;

-- s(M) of every finished cycle: mean over prompts of per-prompt means, error clustered by prompt.
CREATE VIEW trait_curve AS
WITH means AS (
    SELECT * FROM cycle_means
    UNION ALL
    SELECT m.* REPLACE (i.run_id AS run_id) FROM inherited AS i
    JOIN cycle_means AS m ON m.run_id = i.source_run_id AND m.cycle > i.after_cycle AND m.cycle <= i.to_cycle
)
SELECT
    run_id, cycle, trait, trait_sd / sqrt(prompts) AS trait_se,
    trait - t90(prompts - 1) * trait_sd / sqrt(prompts) AS trait_low,
    trait + t90(prompts - 1) * trait_sd / sqrt(prompts) AS trait_high,
    coherence, n, nulls, prompts
FROM means;

-- Δ_j = s(M_j) − s(M_0), paired by eval prompt; a fork's M_0 may be an ancestor's.
CREATE VIEW deltas AS
SELECT * FROM cycle_deltas
UNION ALL
SELECT d.* REPLACE (i.run_id AS run_id) FROM inherited AS i
JOIN cycle_deltas AS d ON d.run_id = i.source_run_id AND d.cycle > i.after_cycle AND d.cycle <= i.to_cycle;

-- All texts of a run's cycles, a fork's inherited ones among them; `source_run_id` holds the rows.
CREATE VIEW chain_samples AS
SELECT *, run_id AS source_run_id FROM samples
UNION ALL
SELECT s.* REPLACE (i.run_id AS run_id), i.source_run_id FROM inherited AS i
JOIN samples AS s ON s.run_id = i.source_run_id AND s.cycle > i.after_cycle AND s.cycle <= i.to_cycle;

-- The scores by a run's own judges of the cycles it inherits.
CREATE VIEW inherited_scores AS
SELECT x.* REPLACE (i.run_id AS run_id) FROM inherited AS i
JOIN scores AS x ON x.run_id = i.source_run_id AND x.cycle > i.after_cycle AND x.cycle <= i.to_cycle
JOIN run_judges AS r ON r.run_id = x.run_id AND r.metric = x.metric AND r.judge_id = x.judge_id;

-- Samples with the scores of the run's own judges beside them; `source_run_id` holds the rows of an inherited one.
-- Both halves join by the run that is asked for, so that a question about one run reads that run's rows alone.
CREATE VIEW scored_samples AS
SELECT
    s.*, t.value AS trait, t.label AS trait_label, t.mass AS trait_mass, c.value AS coherence,
    c.label AS coherence_label, s.run_id AS source_run_id
FROM samples AS s
LEFT JOIN (
    SELECT x.* FROM scores AS x JOIN run_judges AS r USING (run_id, metric, judge_id) WHERE metric = 'trait'
) AS t ON t.run_id = s.run_id AND t.cycle = s.cycle AND t.sample_id = s.sample_id
LEFT JOIN (
    SELECT x.* FROM scores AS x JOIN run_judges AS r USING (run_id, metric, judge_id) WHERE metric = 'coherence'
) AS c ON c.run_id = s.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id
UNION ALL
SELECT
    s.* REPLACE (i.run_id AS run_id), t.value, t.label, t.mass, c.value, c.label, i.source_run_id
FROM inherited AS i
JOIN samples AS s ON s.run_id = i.source_run_id AND s.cycle > i.after_cycle AND s.cycle <= i.to_cycle
LEFT JOIN (SELECT * FROM inherited_scores WHERE metric = 'trait') AS t
    ON t.run_id = i.run_id AND t.cycle = s.cycle AND t.sample_id = s.sample_id
LEFT JOIN (SELECT * FROM inherited_scores WHERE metric = 'coherence') AS c
    ON c.run_id = i.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id;

-- One eval prompt from base to M_N: each generation's answer beside the one before and beside base's.
CREATE VIEW ladder AS
SELECT
    run_id, prompt_id, prompt, draw, cycle, response, trait, coherence,
    lag(response) OVER one_prompt AS previous_response,
    first_value(response) OVER one_prompt AS first_response, sample_id
FROM scored_samples WHERE purpose = 'eval'
WINDOW one_prompt AS (PARTITION BY run_id, prompt_id, draw ORDER BY cycle);
