"""Word-level differences of two texts, for the `diff` command and the console's Ladder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Change = Literal["same", "removed", "added"]

WORD = re.compile(r"\s+|\w+(?:['’]\w+)*|[^\w\s]")
LONGEST = 4000
"""Words of either text beyond which only common ends are looked for: difflib is quadratic."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text and what became of it from the old text to the new."""

    change: Change
    text: str


def words(text: str) -> list[str]:
    """Words, single punctuation marks and runs of white space; joined they are the text again."""
    return WORD.findall(text)


def word_diff(old: str, new: str) -> list[Piece]:
    """Pieces whose same + removed parts join to `old` and whose same + added parts join to `new`."""
    before, after = words(old), words(new)
    pieces: list[Piece] = []
    for tag, a0, a1, b0, b1 in opcodes(before, after):
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a0:a1])))
            continue
        if a1 > a0:
            pieces.append(Piece("removed", "".join(before[a0:a1])))
        if b1 > b0:
            pieces.append(Piece("added", "".join(after[b0:b1])))
    return bridged(pieces)


def opcodes(before: list[str], after: list[str]) -> Iterable[tuple[str, int, int, int, int]]:
    """difflib's, or for very long texts the common ends with one replacement between them."""
    if max(len(before), len(after)) <= LONGEST:
        return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    shorter = min(len(before), len(after))
    head = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    tail = next((i for i in range(shorter - head) if before[-1 - i] != after[-1 - i]), shorter - head)
    return [
        ("equal", 0, head, 0, head),
        ("replace", head, len(before) - tail, head, len(after) - tail),
        ("equal", len(before) - tail, len(before), len(after) - tail, len(after)),
    ]


def bridged(pieces: list[Piece]) -> list[Piece]:
    """Changes parted only by white space become one change, so that a rewritten phrase reads as a phrase."""
    result: list[Piece] = []
    removed, added, space = "", "", ""

    def flush() -> None:
        nonlocal removed, added, space
        if removed:
            result.append(Piece("removed", removed))
        if added:
            result.append(Piece("added", added))
        if space:
            result.append(Piece("same", space))
        removed, added, space = "", "", ""

    for piece in pieces:
        if not piece.text:
            continue
        if piece.change == "same":
            if (removed or added) and not piece.text.strip() and not space:
                space = piece.text
            else:
                flush()
                result.append(piece)
            continue
        removed, added, space = removed + space, added + space, ""
        if piece.change == "removed":
            removed += piece.text
        else:
            added += piece.text
    flush()
    return joined(result)


def joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring pieces of one kind put together."""
    result: list[Piece] = []
    for piece in pieces:
        if result and result[-1].change == piece.change:
            result[-1] = Piece(piece.change, result[-1].text + piece.text)
        else:
            result.append(piece)
    return result


def marked(pieces: Iterable[Piece]) -> str:
    """The differences without colour: `[-old-]{+new+}`."""
    shown = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(shown[piece.change].format(piece.text) for piece in pieces)
