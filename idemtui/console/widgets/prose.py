"""Model text on the screen: made harmless first, and never read as markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text

from idemtui.console.text_facts import Rung
from idemtui.console.words import generation, number
from idemtui.worddiff import Piece

REMOVED = Style(color="red", bold=True)
ADDED = Style(color="green", bold=True)
FAINT = Style(dim=True)


def rung_head(answer: Rung | None, cycle: int, count: int) -> Text:
    """The line above one side of the ladder."""
    text = Text(no_wrap=True, end="")
    text.append(f" {generation(cycle)} ", Style(bold=True, reverse=True))
    if answer is not None:
        text.append(f" s {number(answer.trait)}  coherence {number(answer.coherence)}")
        text.append(f"  draw {answer.draw} of {count}", FAINT)
    return text


def difference(pieces: Iterable[Piece], side: str) -> Text:
    """One side's words: `removed` shows `[-…-]` on the left, `added` shows `{+…+}` on the right."""
    text = Text()
    opening, closing, style = ("[-", "-]", REMOVED) if side == "removed" else ("{+", "+}", ADDED)
    for piece in pieces:
        if piece.change == "same":
            text.append(piece.text)
        elif piece.change == side:
            bare = piece.text.strip()
            before, after = piece.text.split(bare, 1) if bare else (piece.text, "")
            text.append(before)
            text.append(f"{opening}{bare}{closing}" if bare else "", style)
            text.append(after)
    return text
