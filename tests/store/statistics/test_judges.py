import numpy as np
import pytest
from scipy import stats

from store.statistics.judges import compare_judges, length_bias, spearman


def answers(seed=1, prompts=12, draws=10):
    random = np.random.default_rng(seed)
    names = [f"p{prompt}" for prompt in range(prompts) for _ in range(draws)]
    truth = np.clip(random.normal(50, 25, prompts * draws), 0, 100)
    return random, names, truth


def test_pearson_and_spearman_are_scipy_s():
    random, names, truth = answers()
    other = np.round(np.clip(truth + random.normal(5, 10, len(truth)), 0, 100) / 5) * 5
    found = compare_judges(truth, other, names)
    assert (found.n, found.prompts) == (120, 12)
    assert found.pearson.value == pytest.approx(stats.pearsonr(truth, other)[0])
    assert found.spearman.value == pytest.approx(stats.spearmanr(truth, other)[0])
    assert found.difference.value == pytest.approx((other - truth).mean())
    for estimate in (found.pearson, found.spearman, found.difference, found.kappa):
        assert estimate.low < estimate.value < estimate.high


def test_nulls_are_left_out_and_constants_have_no_correlation():
    found = compare_judges(
        np.array([50.0, 50.0, np.nan, 50.0]), np.array([1.0, 2.0, 3.0, np.nan]), ["a", "b", "c", "d"]
    )
    assert found.n == 2
    assert found.pearson.value is None
    assert found.difference.value == pytest.approx(-48.5)
    assert found.difference.low is None
    assert compare_judges(np.array([np.nan]), np.array([1.0]), ["a"]).kappa.value is None


@pytest.mark.proof
def test_the_interval_covers_what_it_should():
    """Second − first is 3 on average, with an effect of the prompt."""
    covered = 0
    for seed in range(60):
        random, names, truth = answers(seed, prompts=15, draws=4)
        second = truth + 3 + np.repeat(random.normal(0, 5, 15), 4) + random.normal(0, 2, len(truth))
        found = compare_judges(truth, second, names).difference
        covered += found.low <= 3 <= found.high
    assert 44 <= covered <= 59


def test_length_counts_within_generations_where_asked():
    random = np.random.default_rng(2)
    cycles = np.repeat([0, 1, 2], 40)
    lengths = 50 + 40 * cycles + random.normal(0, 5, 120)
    scores = 20 + 25 * cycles + random.normal(0, 5, 120)
    prompts = [f"p{place % 10}" for place in range(120)]
    assert length_bias(scores, lengths, prompts).value > 0.8
    within = length_bias(scores, lengths, prompts, [str(cycle) for cycle in cycles])
    assert abs(within.value) < 0.25
    liking = length_bias(scores + lengths, lengths, prompts, [str(cycle) for cycle in cycles])
    assert liking.low > 0.3


def test_ranks_share_ties():
    values = np.array([3.0, 1.0, 3.0, 2.0])
    assert spearman(values, values) == pytest.approx(1.0)
    assert spearman(values, np.array([1.0, 2.0, 2.0, 2.0])) == pytest.approx(
        stats.spearmanr(values, np.array([1.0, 2.0, 2.0, 2.0]))[0]
    )
