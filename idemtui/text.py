"""Model text is hostile: what may reach a terminal of it, and in how many columns.

Nothing here knows a screen. Whoever prints with rich wraps the result in `rich.text.Text`, so that markup in it stays
text. What terminals disagree about (joined emoji, flags, skin tones, variation selectors) is shown in the parts that
all of them measure alike, so that a line is as wide as it was laid out.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ESCAPE_SEQUENCES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]                    # CSI: colours, cursor, erase
    | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])           # OSC, DCS, SOS, PM, APC: titles, links, clipboard
      [^\x07\x1b\x9c\x9d\x90\x98\x9e\x9f]{0,4096}+(?:\x07|\x1b\\|\x9c)
    | \x1b[ -/]*[0-~]                                   # two-character escapes
    """,
    re.VERBOSE,
)
LONGEST_ESCAPE = 4096
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks by their category that are nothing to look at: joiners and fillers of scripts."""
SHOWN_INSTEAD = {"\u2028": "\n", "\u2029": "\n", "\t": "\t", "\n": "\n"}
REPLACEMENT = "\ufffd"
MOST_MARKS = 3
"""Combining marks that one letter keeps; scripts need up to three."""
DOTTED_CIRCLE = "\u25cc"
SUSPECT = re.compile("[\x1b\x80-\x9f]")


def plain(text: str) -> str:
    """The text without escape sequences and control characters; newlines stay, tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    if SUSPECT.search(text):
        text = ESCAPE_SEQUENCES.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return CONTROLS.sub("", text).expandtabs(4)
    shown = {char: _shown(char) for char in set(text)}
    text = text.translate({ord(char): instead for char, instead in shown.items() if instead != char})
    marks = "".join(sorted(char for char in shown if _combines(char)))
    return (_bounded(text, f"[{re.escape(marks)}]") if marks else text).expandtabs(4)


def _bounded(text: str, mark: str) -> str:
    """No letter with a tower of marks on it, and no mark on what is no letter, such as a frame."""
    text = re.sub(f"({mark}{{{MOST_MARKS}}}){mark}+", r"\1", text)
    return re.sub(rf"(^|[\n\t ])(?={mark})", rf"\1{DOTTED_CIRCLE}", text)


@lru_cache(maxsize=4096)
def _combines(char: str) -> bool:
    """Whether a character takes no column of its own: marks, and the vowels and endings of Korean syllables."""
    return unicodedata.category(char) in ("Mn", "Mc", "Me") or "\u1160" < char <= "\u11ff"


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    """What stands for one character: itself, nothing, or something that every terminal can draw."""
    if char in SHOWN_INSTEAD:
        return SHOWN_INSTEAD[char]
    if "\U0001f1e6" <= char <= "\U0001f1ff":  # the two halves of a flag
        return chr(ord(char) - 0x1F1E6 + ord("A"))
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return ""
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs") or char in UNSEEN:
        return ""
    return REPLACEMENT if category in ("Cn", "Co") else char


def one_line(text: str, width: int | None = None) -> str:
    """`plain` text on one line, its white space collapsed, cut with … at `width` characters."""
    if width is not None:
        text = text[: 16 * (width + 1) + LONGEST_ESCAPE]
    line = " ".join(plain(text).split())
    if width is None or len(line) <= width:
        return line
    return line[: max(width - 1, 0)].rstrip() + "…"
