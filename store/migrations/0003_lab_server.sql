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

-- Where the rows of a run's cycles are: in the run itself and, for a fork's inherited cycles, in ancestors. The views
-- join this one small table, so that a question about a run is planned and answered in a few milliseconds.
CREATE TABLE held_cycles (
    run_id VARCHAR, run_no INTEGER, source_run_id VARCHAR, after_cycle INTEGER, to_cycle INTEGER, depth INTEGER
);
INSERT INTO held_cycles SELECT run_id, run_no, run_id, -2, 2147483647, 0 FROM run_numbers;

-- Which run holds the rows of a run's cycles: itself, or for a fork's inherited cycles an ancestor.
CREATE VIEW lineage AS
SELECT h.run_id, c.cycle, h.source_run_id, h.depth
FROM held_cycles AS h JOIN cycles AS c ON c.run_id = h.source_run_id AND c.cycle > h.after_cycle AND c.cycle <= h.to_cycle;

-- Prompt means of all of a run's cycles, a fork's inherited ones among them.
CREATE VIEW chain_prompt_means AS
SELECT m.* REPLACE (h.run_id AS run_id)
FROM held_cycles AS h
JOIN prompt_means AS m ON m.run_id = h.source_run_id AND m.cycle > h.after_cycle AND m.cycle <= h.to_cycle;

-- s(M) of every finished cycle: mean over prompts of per-prompt means, error clustered by prompt.
CREATE VIEW trait_curve AS
SELECT
    h.run_id, m.cycle, m.trait, m.trait_sd / sqrt(m.prompts) AS trait_se,
    m.trait - t90(m.prompts - 1) * m.trait_sd / sqrt(m.prompts) AS trait_low,
    m.trait + t90(m.prompts - 1) * m.trait_sd / sqrt(m.prompts) AS trait_high,
    m.coherence, m.n, m.nulls, m.prompts
FROM held_cycles AS h
JOIN cycle_means AS m ON m.run_id = h.source_run_id AND m.cycle > h.after_cycle AND m.cycle <= h.to_cycle;

-- Δ_j = s(M_j) − s(M_0), paired by eval prompt; a fork's M_0 may be an ancestor's.
CREATE VIEW deltas AS
SELECT d.* REPLACE (h.run_id AS run_id)
FROM held_cycles AS h
JOIN cycle_deltas AS d ON d.run_id = h.source_run_id AND d.cycle > h.after_cycle AND d.cycle <= h.to_cycle;

-- All texts of a run's cycles, a fork's inherited ones among them; `source_run_id` holds the rows.
CREATE VIEW chain_samples AS
SELECT s.sample_id, h.run_id, s.* EXCLUDE (run_no, sample_id), h.source_run_id
FROM held_cycles AS h
JOIN stored_samples AS s ON s.run_no = h.run_no AND s.cycle > h.after_cycle AND s.cycle <= h.to_cycle;

-- The scores of a run's cycles by the own judges of the run that holds them.
CREATE VIEW own_scores AS
SELECT h.run_id, x.* EXCLUDE (run_no)
FROM held_cycles AS h
JOIN stored_scores AS x ON x.run_no = h.run_no AND x.cycle > h.after_cycle AND x.cycle <= h.to_cycle
JOIN run_judges AS r ON r.run_id = h.source_run_id AND r.metric = x.metric AND r.judge_id = x.judge_id;

-- Samples with the scores of the run's own judges beside them; `source_run_id` holds the rows of an inherited one.
-- Both halves join by the run that is asked for, so that a question about one run reads that run's rows alone.
CREATE VIEW scored_samples AS
SELECT
    s.* EXCLUDE (source_run_id), t.value AS trait, t.label AS trait_label, t.mass AS trait_mass, c.value AS coherence,
    c.label AS coherence_label, s.source_run_id
FROM chain_samples AS s
LEFT JOIN own_scores AS t
    ON t.run_id = s.run_id AND t.cycle = s.cycle AND t.sample_id = s.sample_id AND t.metric = 'trait'
LEFT JOIN own_scores AS c
    ON c.run_id = s.run_id AND c.cycle = s.cycle AND c.sample_id = s.sample_id AND c.metric = 'coherence';

-- One eval prompt from base to M_N: each generation's answer beside the one before and beside base's.
CREATE VIEW ladder AS
SELECT
    run_id, prompt_id, prompt, draw, cycle, response, trait, coherence,
    lag(response) OVER one_prompt AS previous_response,
    first_value(response) OVER one_prompt AS first_response, sample_id
FROM scored_samples WHERE purpose = 'eval'
WINDOW one_prompt AS (PARTITION BY run_id, prompt_id, draw ORDER BY cycle);
