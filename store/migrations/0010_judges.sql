-- What judging took, batch by batch, and every judge's scores with the run whose answers they are.

CREATE TABLE stored_judging (
    run_no INTEGER, cycle INTEGER, metric VARCHAR, judge_id VARCHAR, batch INTEGER, answers INTEGER,
    requests BIGINT, prompt_tokens BIGINT, completion_tokens BIGINT, known BIGINT, cost DOUBLE
);

-- By run or job and judge: answers scored, requests, tokens, answers that the lab knew already, and the cost where the
-- study gave prices.
CREATE VIEW judge_spending AS
SELECT
    n.run_id, j.metric, j.judge_id, CAST(sum(j.answers) AS BIGINT) AS answers, CAST(sum(j.requests) AS BIGINT) AS requests,
    CAST(sum(j.prompt_tokens) AS BIGINT) AS prompt_tokens, CAST(sum(j.completion_tokens) AS BIGINT) AS completion_tokens,
    CAST(sum(j.known) AS BIGINT) AS known, sum(j.cost) AS cost
FROM stored_judging AS j JOIN run_numbers AS n USING (run_no) GROUP BY ALL;

-- All scores of eval answers, whoever judged and when: `run_id` is the run that drew the answer, `judged_by` the run or
-- job whose journal holds the score, `own` whether it is the run's own judge, whose scores make its curves.
CREATE VIEW judged_answers AS
SELECT
    s.sample_id, n.run_id, s.cycle, s.prompt_id, s.draw, length(s.response) AS characters, s.words, x.metric, x.judge_id,
    x.value, x.mass, x.variance, x.label, w.run_id AS judged_by, coalesce(o.judge_id = x.judge_id, FALSE) AS own
FROM stored_scores AS x
JOIN run_numbers AS w ON w.run_no = x.run_no
JOIN stored_samples AS s ON s.sample_id = x.sample_id
JOIN run_numbers AS n ON n.run_no = s.run_no
LEFT JOIN run_judges AS o ON o.run_id = n.run_id AND o.metric = x.metric
WHERE s.purpose = 'eval';

-- The curve of every judge of a run, as trait_curve is made: means of prompt means.
CREATE VIEW judge_curve AS
WITH means AS (
    SELECT run_id, cycle, metric, judge_id, prompt_id, avg(value) AS value, count(*) AS n, count(*) - count(value) AS nulls
    FROM judged_answers GROUP BY ALL
)
SELECT
    run_id, cycle, metric, judge_id, avg(value) AS value, stddev_samp(value) / sqrt(count(value)) AS se,
    CAST(sum(n) AS BIGINT) AS n, CAST(sum(nulls) AS BIGINT) AS nulls
FROM means GROUP BY ALL;
