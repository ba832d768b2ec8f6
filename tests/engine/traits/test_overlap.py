"""What overlapping means, held against the plain definition."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from engine.traits.overlap import between, first_words, four_grams, share, within, words

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join), max_size=6)


def test_words_know_no_case_and_no_punctuation() -> None:
    assert words("Don't PANIC, it's 5 o'clock!") == ("don't", "panic", "it's", "5", "o'clock")
    assert words("snake_case") == ("snake", "case")
    assert words(" ??? ") == ("???",)
    assert first_words("How do I start?") == ("how", "do", "i")


def test_a_short_text_is_one_gram_and_a_longer_one_a_window() -> None:
    assert four_grams("what now") == {("what", "now")}
    assert four_grams("a b c d e") == {("a", "b", "c", "d"), ("b", "c", "d", "e")}


def test_a_text_that_contains_another_shares_all_of_it() -> None:
    short, long = four_grams("how do i boil eggs"), four_grams("hi, how do I boil eggs in a microwave")
    assert share(short, long) == share(long, short) == 1.0
    assert share(four_grams("a b c d e"), four_grams("a b c d x")) == 0.5


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.6, 1.0]))
def test_every_pair_above_the_limit_is_found_once(texts: list[str], limit: float) -> None:
    grams = [four_grams(text) for text in texts]
    near = {(i, j) for i, j in combinations(range(len(texts)), 2) if share(grams[i], grams[j]) >= limit}
    found = within(texts, limit)
    assert [(pair.first, pair.second) for pair in found] == sorted(near)
    assert all(pair.share == share(grams[pair.first], grams[pair.second]) for pair in found)


def test_without_a_limit_only_equal_words_overlap() -> None:
    assert within(["a b c d e", "A, b, c, d: e!", "a b c d e f"], None) == within(["a b c d e", "a b c d e"], None)
    assert [(pair.first, pair.second) for pair in between(["x y"], ["x", "X Y"], None)] == [(0, 1)]
