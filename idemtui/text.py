"""Model text is hostile: what may reach a terminal of it, and in how many columns.

Nothing here knows a screen. Whoever prints with rich wraps the result in `rich.text.Text`, so that markup in it stays
text.
"""

from __future__ import annotations

import re

ESCAPE_SEQUENCES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]                    # CSI: colours, cursor, erase
    | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])           # OSC, DCS, SOS, PM, APC: titles, links, clipboard
      [^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)
    | \x1b[ -/]*[0-~]                                   # two-character escapes
    """,
    re.VERBOSE,
)
# C0 and C1 without tab and newline, bidirectional controls, byte-order mark, line separators, lone surrogates.
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def plain(text: str) -> str:
    """The text without escape sequences and control characters; newlines stay, tabs become spaces."""
    text = ESCAPE_SEQUENCES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return CONTROLS.sub("", text).expandtabs(4)


def one_line(text: str, width: int | None = None) -> str:
    """`plain` text on one line, its white space collapsed, cut with … at `width` characters."""
    line = " ".join(plain(text).split())
    if width is None or len(line) <= width:
        return line
    return line[: max(width - 1, 0)].rstrip() + "…"
