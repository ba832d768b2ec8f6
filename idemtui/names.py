"""Names of runs begin alike and end in what tells them apart (`…-s1`), so where they are cut, it is in their middle."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def keep_ends(text: str, width: int) -> str:
    """The text in at most `width` cells: its beginning, an ellipsis, and its end."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    room = width - 1
    tail = text[len(text) - room // 2 :]
    while cell_len(tail) > room // 2:
        tail = tail[1:]
    return set_cell_size(text, room - cell_len(tail)) + "…" + tail
