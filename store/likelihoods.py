"""Perplexity, KL and self-NLL of a finished cycle, from its answers' sums: written once, when the cycle ends.

Per token they are ratios Σ nats / Σ tokens over all answers; kl_sequence is, like s(M), the mean over prompts of their
answers' mean. Errors are clustered by prompt. A sum that is null is left out of its own measure and counted in `nulls`.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from store.tables import incoming

MEANS = """
INSERT INTO cycle_likelihoods
WITH own AS (
    SELECT f.run_id, l.cycle, s.prompt_id, s.draw, s.tokens AS drawn, l.* EXCLUDE (run_no, cycle)
    FROM stored_likelihoods AS l
    JOIN stored_samples AS s ON s.run_no = l.run_no AND s.cycle = l.cycle AND s.sample_id = l.sample_id
    JOIN incoming AS f ON f.run_no = l.run_no AND f.cycle = l.cycle
    WHERE l.run_no BETWEEN $first AND $last AND s.run_no BETWEEN $first AND $last
), by_prompt AS (
    SELECT
        run_id, cycle, prompt_id,
        list_sum(list(nll ORDER BY draw, sample_id) FILTER (nll IS NOT NULL)) AS nll,
        sum(tokens) FILTER (nll IS NOT NULL) AS nll_tokens,
        list_sum(list(init_nll ORDER BY draw, sample_id) FILTER (init_nll IS NOT NULL)) AS init_nll,
        sum(tokens) FILTER (init_nll IS NOT NULL) AS init_tokens,
        list_sum(list(block_nll ORDER BY draw, sample_id) FILTER (block_nll IS NOT NULL)) AS block_nll,
        sum(block_tokens) FILTER (block_nll IS NOT NULL) AS block_tokens,
        list_sum(list(kl ORDER BY draw, sample_id) FILTER (kl IS NOT NULL)) AS kl,
        sum(tokens) FILTER (kl IS NOT NULL) AS kl_tokens,
        list_avg(list(kl ORDER BY draw, sample_id)) AS kl_sequence,
        count(*) AS answers, count(*) FILTER (nll IS NULL OR init_nll IS NULL OR kl IS NULL) AS nulls,
        count(*) FILTER (tokens <> drawn) AS respelled
    FROM own GROUP BY run_id, cycle, prompt_id
), listed AS (
    SELECT
        run_id, cycle,
        list(nll ORDER BY prompt_id) FILTER (nll IS NOT NULL) AS nll,
        list(nll_tokens ORDER BY prompt_id) FILTER (nll IS NOT NULL) AS nll_tokens,
        list(init_nll ORDER BY prompt_id) FILTER (init_nll IS NOT NULL) AS init_nll,
        list(init_tokens ORDER BY prompt_id) FILTER (init_nll IS NOT NULL) AS init_tokens,
        list(block_nll ORDER BY prompt_id) FILTER (block_nll IS NOT NULL) AS block_nll,
        list(block_tokens ORDER BY prompt_id) FILTER (block_nll IS NOT NULL) AS block_tokens,
        list(kl ORDER BY prompt_id) FILTER (kl IS NOT NULL) AS kl,
        list(kl_tokens ORDER BY prompt_id) FILTER (kl IS NOT NULL) AS kl_tokens,
        list(kl_sequence ORDER BY prompt_id) FILTER (kl_sequence IS NOT NULL) AS kl_sequence,
        count(*) AS prompts, sum(answers) AS answers, sum(nulls) AS nulls, sum(respelled) AS respelled
    FROM by_prompt GROUP BY run_id, cycle
)
SELECT
    run_id, cycle, ratio_of(nll, nll_tokens), ratio_error(nll, nll_tokens),
    ratio_of(init_nll, init_tokens), ratio_error(init_nll, init_tokens),
    ratio_of(block_nll, block_tokens), ratio_error(block_nll, block_tokens),
    ratio_of(kl, kl_tokens), ratio_error(kl, kl_tokens),
    list_avg(kl_sequence), list_stddev_samp(kl_sequence) / sqrt(len(kl_sequence)), prompts, answers, nulls, respelled
FROM listed
"""


def write_likelihood_means(connection: duckdb.DuckDBPyConnection, cycles: Sequence[tuple[str, int, int]]) -> None:
    """The measures of these finished cycles, each a run id, a cycle and the run's number; none where none was taken."""
    with incoming(connection, "finished_cycles", cycles):
        connection.execute(
            "DELETE FROM cycle_likelihoods USING incoming AS f WHERE cycle_likelihoods.run_id = f.run_id "
            "AND cycle_likelihoods.cycle = f.cycle"
        )
        numbers = [number for *_, number in cycles]
        connection.execute(MEANS, {"first": min(numbers), "last": max(numbers)})
