"""Model text on the screen: made harmless first, and never read as markup."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rich.style import Style
from rich.text import Text

from idemtui.console.text_facts import Rung
from idemtui.console.words import generation, score, signed
from idemtui.worddiff import Piece, marked

FAINT = Style(dim=True)
STRONG = Style(bold=True)


def coloured(colour: str) -> Style:
    """Bold in a colour; where none is wanted (`NO_COLOR`) only bold, since the grey of a dark one would not be read."""
    return STRONG if os.environ.get("NO_COLOR") else Style(color=colour, bold=True)


def rung_head(answer: Rung | None, cycle: int, count: int, run_name: str = "", method: str | None = None) -> Text:
    """The line above one side of the ladder, with the run's name where it is another's."""
    text = Text(no_wrap=True, end="")
    text.append(f" {generation(cycle)} ", Style(bold=True, reverse=True))
    text.append(f" {run_name}" if run_name else "", Style(bold=True))
    if answer is not None:
        text.append(f" s {score(answer.trait, method)}  coherence {score(answer.coherence, method)}")
        text.append(f"  draw {answer.draw} of {count}", FAINT)
    return text


def ladder_text(steps: Sequence[tuple[Rung, Sequence[Piece]]], method: str | None = None) -> Text:
    """Answers under each other, each with its scores and what it changed of the one before: `[-old-]{+new+}`."""
    text = Text()
    before: Rung | None = None
    for rung, pieces in steps:
        text.append(f" {generation(rung.cycle)} ", Style(bold=True, reverse=True))
        moved = rung.trait - before.trait if before and rung.trait is not None and before.trait is not None else None
        text.append(f"  s {score(rung.trait, method)}" + ("" if before is None else f" ({signed(moved)})"), STRONG)
        text.append(f"  coherence {score(rung.coherence, method)}  draw {rung.draw}\n", FAINT)
        text.append_text(both_sides(pieces) if rung.response else Text("(empty)", FAINT))
        text.append("\n\n")
        before = rung
    return text


def both_sides(pieces: Iterable[Piece]) -> Text:
    """Old and new words in one text, coloured and marked."""
    text = Text()
    styles = {"same": Style.null(), "removed": coloured("red"), "added": coloured("green")}
    for piece in pieces:
        text.append(marked([piece]), styles[piece.change])
    return text


def difference(pieces: Iterable[Piece], side: str) -> Text:
    """One side's words: `removed` shows `[-…-]` on the left, `added` shows `{+…+}` on the right."""
    text = Text()
    opening, closing, style = ("[-", "-]", coloured("red")) if side == "removed" else ("{+", "+}", coloured("green"))
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
