import pytest

from engine.measures import count_sentences, distinct_n, measure_text, split_words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        ("...", 0),
        ("One two", 1),
        ("One. Two! Three?", 3),
        ("He said “go.” She went.", 2),
        ("About 3.5 kg. Good", 2),
        ("A title\n\nThen a text.", 2),
        ("Wait... what?!", 2),
    ],
)
def test_sentences(text, sentences):
    assert count_sentences(text) == sentences


def test_words_keep_inner_marks():
    assert split_words("Don't over-bake it, ok?") == ["don't", "over-bake", "it", "ok"]


def test_measures_of_an_ordinary_answer():
    measures = measure_text("How do I bake good bread?", "Let it rest. Then bake it well.")
    assert measures.words == 7
    assert measures.sentences == 2
    assert measures.mean_sentence_length == 3.5
    assert measures.repeat_4gram == 0
    assert measures.echo == 0


def test_a_loop_repeats_and_an_echo_echoes():
    loop = measure_text("x", "all is one " * 10)
    assert loop.repeat_4gram == pytest.approx(1 - 3 / 27)
    assert measure_text("how do I bake bread", "How do I bake bread").echo == 1.0


def test_short_and_empty_answers_have_no_4grams():
    assert measure_text("a", "only three words").repeat_4gram is None
    empty = measure_text("a", "  \n")
    assert (empty.words, empty.sentences, empty.mean_sentence_length, empty.echo) == (0, 0, None, None)


def test_distinct_n_at_a_fixed_budget():
    assert distinct_n(["a b", "a b"], 1, 4) == 0.5
    assert distinct_n(["a b", "a b c d"], 1, 4) == 0.5
    assert distinct_n(["a b"], 1, 4) is None
    assert distinct_n(["a b c d"], 2, 4) == 1.0
