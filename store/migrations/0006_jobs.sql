-- Work that is no run: seed data, re-judging, calibration. Its texts, scores and events stand under its id in the tables
-- of runs; `runs` itself does not know it.
CREATE TABLE jobs (
    job_id VARCHAR, kind VARCHAR, name VARCHAR, status VARCHAR, message VARCHAR, error VARCHAR,
    created_at TIMESTAMP, started_at TIMESTAMP, finished_at TIMESTAMP, done BIGINT, total BIGINT,
    log_tail VARCHAR[], spec JSON
);
