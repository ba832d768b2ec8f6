"""A text with everything that a terminal might obey, and what of it stands in an output."""

from __future__ import annotations

import unicodedata

HOSTILE = (
    "[bold]kept[/] one two three \x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;aGk=\x07 \x1bPq\x1b\\ \x9b2J\x9d0;t\x9c "
    "\u202ereversed\u2066 zero\u200bwidth 👩\u200d🚀 🇩🇪 nul\x00 bell\x07 back\x08 z" + "\u0301" * 99
)
NEVER = {"Cc", "Cf", "Cs", "Cn", "Co"}
"""Unicode's categories of what is no sign to be read."""


def obeyed(printed: str) -> set[str]:
    """Characters that no output of ours may have: controls, formats, and what stands for nothing."""
    return {c for c in printed if unicodedata.category(c) in NEVER and c != "\n"}
