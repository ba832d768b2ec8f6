import pytest
from hypothesis import given
from hypothesis import strategies as st

from idemtui.text import one_line, plain


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07body", "body"),
        ("\x1b]52;c;aGk=\x1b\\clipboard", "clipboard"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jerased", "erased"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("one\rtwo\r\nthree", "one\ntwo\nthree"),
        ("a\x08\x07\x00b\x7f", "ab"),
        ("abc\u202edef\u2066", "abcdef"),
        ("a\x1b", "a"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
        ("naïve – 日本 🙂", "naïve – 日本 🙂"),
    ],
)
def test_escape_sequences_and_controls_vanish(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("\x1b\x9b[]0;m\x07\\")))
def test_nothing_that_drives_a_terminal_is_left(text: str) -> None:
    shown = plain(text)
    assert not any((ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 for char in shown)
    assert plain(shown) == shown


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert one_line("a  b\n\tc") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
