-- Everything a lab remembers; all times are UTC. Names are a contract for people's SQL.

CREATE TABLE runs (
    run_id VARCHAR, study VARCHAR, name VARCHAR, cell VARCHAR, replicate INTEGER,
    trait VARCHAR, model VARCHAR, regime VARCHAR, init VARCHAR, reference VARCHAR, rejected VARCHAR,
    n_seed INTEGER, n_sampled INTEGER, cycles INTEGER, seed BIGINT, control VARCHAR,
    parent_run_id VARCHAR, forked_at_cycle INTEGER,
    status VARCHAR, message VARCHAR, created_at TIMESTAMP, started_at TIMESTAMP, finished_at TIMESTAMP, spec JSON
);

CREATE TABLE cycles (
    run_id VARCHAR, cycle INTEGER, status VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP,
    adapter_path VARCHAR, adapter_sha256 VARCHAR, init VARCHAR, reference VARCHAR,
    delta_norm DOUBLE, gradient_norm_max DOUBLE, trainable_parameters BIGINT, optimizer_steps INTEGER,
    logp_before DOUBLE, logp_after DOUBLE, training_rows INTEGER, rows_moved INTEGER, dropped_rows INTEGER,
    truncated_rows INTEGER, notes VARCHAR[], stop_rules VARCHAR[]
);

CREATE TABLE stages (
    run_id VARCHAR, cycle INTEGER, stage VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP,
    seconds DOUBLE, tokens BIGINT, device VARCHAR, total INTEGER
);

CREATE TABLE samples (
    sample_id VARCHAR, run_id VARCHAR, cycle INTEGER, purpose VARCHAR, prompt_id VARCHAR, draw INTEGER,
    drawn_by INTEGER, prompt VARCHAR, response VARCHAR, tokens INTEGER, stop_reason VARCHAR,
    kept BOOLEAN, kept_reason VARCHAR, words INTEGER, sentences INTEGER,
    mean_sentence_length DOUBLE, repeat_4gram DOUBLE, echo DOUBLE
);

CREATE TABLE training_rows (
    run_id VARCHAR, cycle INTEGER, "position" INTEGER, sample_id VARCHAR, role VARCHAR, pair INTEGER
);

CREATE TABLE scores (
    sample_id VARCHAR, metric VARCHAR, judge_id VARCHAR, value DOUBLE, mass DOUBLE, variance DOUBLE, label VARCHAR,
    distribution STRUCT(score INTEGER, p DOUBLE)[], run_id VARCHAR, cycle INTEGER
);

CREATE TABLE judges (
    judge_id VARCHAR, metric VARCHAR, model VARCHAR, rubric VARCHAR, rubric_version VARCHAR, method VARCHAR
);

-- The run's own judge of each metric; other judges' scores of the same samples do not move its curve.
CREATE TABLE run_judges (run_id VARCHAR, metric VARCHAR, judge_id VARCHAR);

CREATE TABLE labels (sample_id VARCHAR, ts TIMESTAMP, author VARCHAR, metric VARCHAR, value DOUBLE, note VARCHAR);
CREATE TABLE marks (sample_id VARCHAR, ts TIMESTAMP, author VARCHAR, mark VARCHAR);

CREATE TABLE train_steps (run_id VARCHAR, cycle INTEGER, step INTEGER, name VARCHAR, value DOUBLE);
CREATE TABLE telemetry (ts TIMESTAMP, device VARCHAR, name VARCHAR, value DOUBLE);
CREATE TABLE events (run_id VARCHAR, seq BIGINT, ts TIMESTAMP, type VARCHAR, payload JSON);
CREATE TABLE commands (
    run_id VARCHAR, "position" INTEGER, ts TIMESTAMP, type VARCHAR, pid INTEGER, exit_code INTEGER
);

-- Means per eval prompt of every finished cycle, by the run's own judges: what curves and verdicts are made of.
CREATE TABLE prompt_means (
    run_id VARCHAR, cycle INTEGER, metric VARCHAR, prompt_id VARCHAR,
    value DOUBLE, variance DOUBLE, n INTEGER, nulls INTEGER
);

CREATE TABLE verdicts (
    scope VARCHAR, run_id VARCHAR, study VARCHAR, cell VARCHAR, replicates INTEGER, amplified_by_paper BOOLEAN,
    a DOUBLE, l DOUBLE, ci_low DOUBLE, ci_high DOUBLE, label VARCHAR, suffixes VARCHAR[], notes VARCHAR[]
);

-- How far each file of a run folder is remembered; moved in the same transaction as its rows.
CREATE TABLE journals (run_id VARCHAR, file VARCHAR, byte_offset BIGINT, lines BIGINT, error VARCHAR);
