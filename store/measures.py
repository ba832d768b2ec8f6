"""What is measured of a run's generations beside its scores, and how sure their coherence is: one row a generation."""

from __future__ import annotations

from dataclasses import dataclass

from store.queries import read
from store.result import Asked


@dataclass(frozen=True)
class Measures:
    """One finished generation's answers, measured without a judge; what was not measured is None.

    Perplexities are under M_init, with 90 % intervals; `self_nll` and `kl_token` in nats a token, `kl_sequence` in nats
    an answer; errors are clustered by prompt, and distinct-n is over `distinct_words` words (docs/statistics.md).
    """

    cycle: int
    mean_sentence_length: float | None
    perplexity: float | None
    perplexity_low: float | None
    perplexity_high: float | None
    block_perplexity: float | None
    self_nll: float | None
    self_nll_se: float | None
    kl_token: float | None
    kl_token_se: float | None
    kl_sequence: float | None
    distinct_1: float | None
    distinct_2: float | None
    distinct_3: float | None
    distinct_words: int | None


MEASURES = """
WITH sentences AS (
    SELECT cycle, avg(mean_sentence_length) AS mean_sentence_length FROM chain_samples
    WHERE run_id = $run AND purpose = 'eval' GROUP BY cycle
)
SELECT m.*, s.mean_sentence_length FROM generation_measures AS m LEFT JOIN sentences AS s USING (cycle)
WHERE m.run_id = $run ORDER BY m.cycle
"""
COHERENCE = """
WITH over AS (
    SELECT cycle, avg(value) AS mean, t90(count(value) - 1) * stddev_samp(value) / sqrt(count(value)) AS half
    FROM chain_prompt_means WHERE run_id = $run AND metric = 'coherence' GROUP BY cycle
)
SELECT cycle, mean - half, mean + half FROM over WHERE half IS NOT NULL ORDER BY cycle
"""


def measures(lab: Asked, run_id: str) -> list[Measures]:
    """A run's finished generations from base on, a fork's inherited ones among them."""
    return read(Measures, lab, MEASURES, {"run": run_id})


def coherence_bounds(lab: Asked, run_id: str, judge: str | None = None) -> dict[int, tuple[float, float]]:
    """By cycle the ends of coherence's 90 % interval over prompts, as the trait's is made; none below two prompts.

    With a judge's id by its scores, else by those of the run's own.
    """
    if judge is None:
        return {cycle: (low, high) for cycle, low, high in lab.sql(COHERENCE, {"run": run_id}).tuples()}
    from store.judged import judged_chains, judged_coherence

    return judged_coherence(judged_chains(lab, [run_id], judge)[run_id])
