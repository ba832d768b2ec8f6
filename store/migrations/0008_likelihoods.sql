-- How likely answers are under the model that wrote them and under M_init, distinct-n, and what a generation makes of them.

CREATE TABLE stored_likelihoods (
    run_no INTEGER, sample_id VARCHAR, cycle INTEGER, tokens INTEGER, nll DOUBLE, init_nll DOUBLE, kl DOUBLE,
    block_tokens INTEGER, block_nll DOUBLE
);
CREATE VIEW likelihoods AS
SELECT l.sample_id, n.run_id, l.* EXCLUDE (run_no, sample_id)
FROM stored_likelihoods AS l JOIN run_numbers AS n USING (run_no);

CREATE TABLE cycle_diversity (
    run_id VARCHAR, cycle INTEGER, budget INTEGER, words INTEGER, distinct_1 DOUBLE, distinct_2 DOUBLE, distinct_3 DOUBLE
);

-- Nats a token (a sequence, for kl_sequence) of a finished cycle's answers, errors clustered by prompt.
CREATE TABLE cycle_likelihoods (
    run_id VARCHAR, cycle INTEGER, nll DOUBLE, nll_se DOUBLE, init_nll DOUBLE, init_nll_se DOUBLE,
    block_nll DOUBLE, block_nll_se DOUBLE, kl_token DOUBLE, kl_token_se DOUBLE, kl_sequence DOUBLE, kl_sequence_se DOUBLE,
    prompts BIGINT, answers BIGINT, nulls BIGINT, respelled BIGINT
);

-- Σy/Σt over prompts, and its error by linearisation (Cochran 1977, Sampling Techniques, ch. 6): prompts are the clusters.
CREATE MACRO ratio_of(ys, ts) AS CASE WHEN list_sum(ts) > 0 THEN list_sum(ys) / list_sum(ts) END;
CREATE MACRO ratio_error(ys, ts) AS CASE WHEN len(ys) > 1 AND list_sum(ts) > 0 THEN
    sqrt(len(ys) / (len(ys) - 1)
        * list_sum(list_transform(list_zip(ys, ts), lambda z: (z[1] - list_sum(ys) / list_sum(ts) * z[2]) ** 2)))
    / list_sum(ts) END;

-- Everything that is measured of a generation beside its scores; a fork's inherited ones among them.
CREATE VIEW generation_measures AS
SELECT
    h.run_id, y.cycle,
    exp(m.init_nll) AS perplexity,
    exp(m.init_nll - t90(m.prompts - 1) * m.init_nll_se) AS perplexity_low,
    exp(m.init_nll + t90(m.prompts - 1) * m.init_nll_se) AS perplexity_high,
    exp(m.block_nll) AS block_perplexity,
    exp(m.block_nll - t90(m.prompts - 1) * m.block_nll_se) AS block_perplexity_low,
    exp(m.block_nll + t90(m.prompts - 1) * m.block_nll_se) AS block_perplexity_high,
    m.nll AS self_nll, m.nll_se AS self_nll_se, m.kl_token, m.kl_token_se, m.kl_sequence, m.kl_sequence_se,
    m.answers, m.nulls, m.respelled,
    d.distinct_1, d.distinct_2, d.distinct_3, d.budget AS distinct_words, d.words,
    c.retention, c.idempotence_ratio, c.moved
FROM held_cycles AS h
JOIN cycles AS y ON y.run_id = h.source_run_id AND y.cycle > h.after_cycle AND y.cycle <= h.to_cycle
LEFT JOIN cycle_likelihoods AS m ON m.run_id = h.source_run_id AND m.cycle = y.cycle
LEFT JOIN cycle_diversity AS d ON d.run_id = h.source_run_id AND d.cycle = y.cycle
LEFT JOIN chain_measures AS c ON c.run_id = h.run_id AND c.cycle = y.cycle
WHERE y.status = 'finished';
