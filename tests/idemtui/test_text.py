import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from idemtui.text import MOST_MARKS, one_line, plain

ESCAPES = (
    "\x1b",
    "\x9b",
    "\x9d",
    "\x90",
    "[",
    "]",
    "0;m",
    "\x07",
    "\\",
    "\x1b\\",
    "P",
    "8;;http://x",
    "\r",
    "\t",
    "\x00",
)
STRANGE = (
    "\u202e",
    "\u2066",
    "\u200d",
    "\u200b",
    "\ufe0f",
    "\u0301",
    "\u0e49",
    "👩",
    "🚀",
    "🇩",
    "🇪",
    "🏽",
    "\ud800",
    "\u2028",
    "漢",
    "\u1161",
)
hostile_text = st.lists(st.one_of(st.sampled_from(ESCAPES + STRANGE), st.characters(), st.text(max_size=3))).map(
    "".join
)


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07body", "body"),
        ("\x1b]52;c;aGk=\x1b\\clipboard", "clipboard"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;a title\x9cbody", "body"),
        ("\x9b2Jerased", "erased"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\none", "none"),
        ("\x1b(0charset\x1bcreset", "charsetreset"),
        ("one\rtwo\r\nthree", "one\ntwo\nthree"),
        ("a\x08\x07\x00b\x7f", "ab"),
        ("abc\u202edef\u2066", "abcdef"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("zero\u200bwi\u00addth\u2060 \ufefftext", "zerowidth text"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("a\x1b", "a"),
        ("a\tb", "a   b"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
        ("naïve – 日本 🙂", "naïve – 日本 🙂"),
        ("👩‍🚀 👍🏽 ❤️", "👩🚀 👍 ❤"),
        ("🇩🇪", "DE"),
        ("z" + "\u0301" * 50 + "algo", "z" + "\u0301" * MOST_MARKS + "algo"),
        ("\u0301x \u0301", "◌\u0301x ◌\u0301"),
        ("\U000f0000\u0378", "��"),
    ],
)
def test_escape_sequences_and_controls_vanish(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


@given(hostile_text)
@example("\x1b]" * 50 + "\x9d" * 50)
def test_nothing_that_drives_a_terminal_is_left(text: str) -> None:
    shown = plain(text)
    assert {unicodedata.category(char) for char in shown if char != "\n"} & {
        "Cc",
        "Cf",
        "Cs",
        "Cn",
        "Co",
        "Zl",
        "Zp",
    } == set()
    assert plain(shown) == shown
    assert shown.encode().decode() == shown


@given(hostile_text)
def test_a_text_is_as_wide_as_its_characters(text: str) -> None:
    shown = one_line(text)
    assert "\n" not in shown
    assert cell_len(shown) == sum(map(cell_len, shown))


@pytest.mark.parametrize("evil", ["\x9d", "\x1b]", "\x1b[0;", "\u0301", "a\u0301", "\x1bP" + "x" * 4000])
def test_a_megabyte_of_one_trick_is_worked_off_in_one_pass(evil: str) -> None:
    assert len(plain(evil * (1_000_000 // len(evil)))) <= 1_000_000


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert one_line("a  b\n\tc") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
    assert one_line("\x1b[31m" * 20 + "x" * 1_000_000, 4) == "xxx…"
