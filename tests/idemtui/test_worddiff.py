from hypothesis import given
from hypothesis import strategies as st

from idemtui.worddiff import LONGEST, marked, word_diff

TEXTS = st.lists(st.sampled_from(["the", "fox", "ran", "it's", " ", "  ", "\n", ".", ",", "é"]), max_size=20).map(
    "".join
)


def test_differences_are_marked_word_by_word() -> None:
    old, new = "The fox ran home.", "The fox walked home, slowly."
    assert marked(word_diff(old, new)) == "The fox [-ran-]{+walked+} home{+, slowly+}."


def test_a_rewritten_phrase_is_one_change() -> None:
    assert marked(word_diff("a b c d", "a x y d")) == "a [-b c-]{+x y+} d"


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_back(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    assert "".join(piece.text for piece in pieces if piece.change != "added") == old
    assert "".join(piece.text for piece in pieces if piece.change != "removed") == new


def test_equal_texts_differ_nowhere() -> None:
    assert [piece.change for piece in word_diff("same words", "same words")] == ["same"]
    assert word_diff("", "") == []


def test_very_long_texts_are_compared_by_their_ends() -> None:
    middle = "word " * LONGEST
    pieces = word_diff(f"a {middle}x z", f"a {middle}y z")
    assert [piece.change for piece in pieces] == ["same", "removed", "added", "same"]
