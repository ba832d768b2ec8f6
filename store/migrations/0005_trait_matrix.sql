-- What else moved: every trait that a run's own answers were scored on, its own and those off target, by generation.
CREATE VIEW trait_matrix AS
SELECT
    m.run_id, m.cycle, CASE WHEN m.metric = 'trait' THEN r.trait ELSE m.metric[7:] END AS trait,
    avg(m.value) AS value, CAST(sum(m.n) AS BIGINT) AS n, CAST(sum(m.nulls) AS BIGINT) AS nulls
FROM chain_prompt_means AS m JOIN runs AS r USING (run_id)
WHERE m.metric = 'trait' OR starts_with(m.metric, 'trait:')
GROUP BY ALL;
