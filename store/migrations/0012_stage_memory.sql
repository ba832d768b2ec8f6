-- What a stage took at its peak, in bytes: of the GPU as torch reserved it, on a CPU of the worker's process.

ALTER TABLE stages ADD COLUMN memory BIGINT;

-- How fast each run drew, trained, measured and judged: tokens a second over its finished stages, and the peak of each.
CREATE VIEW stage_speed AS
SELECT
    run_id, stage, device, count(*) AS times, CAST(sum(tokens) AS BIGINT) AS tokens, sum(seconds) AS seconds,
    sum(tokens) / nullif(sum(seconds), 0) AS tokens_per_second, max(memory) AS memory
FROM stages WHERE finished_at IS NOT NULL GROUP BY ALL;
