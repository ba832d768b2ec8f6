-- What a calibration measured: the score of M_0 by the number of its seed rows; 0 rows are the model before seeding.
CREATE TABLE doses (
    job_id VARCHAR, n_seed INTEGER, seed BIGINT, trait DOUBLE, coherence DOUBLE, prompt_means DOUBLE[], n INTEGER,
    nulls INTEGER
);
