"""A matrix of scores as text: digits in every cell, and a shade behind them that repeats what the digits say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.style import Style
from rich.text import Text

from idemtui.console.widgets.columns import pad
from idemtui.console.words import NONE, score, signed
from idemtui.names import tell_apart

CELL = 11
NAME = 24
SHADES = ("#20242c", "#24343f", "#2a4a55", "#336566", "#4d8064", "#8a9a4a", "#c9a53a", "#e08a2e")
DARK = 5
"""From this shade on the digits are dark."""


def heat_text(
    rows: Sequence[str],
    columns: Sequence[str],
    value: Callable[[str, str], tuple[float | None, float | None]],
    corner: str = "",
    methods: Mapping[str, str | None] | None = None,
) -> Text:
    """Rows by columns; `value` gives a score from 0 to 100 and how far it is from base.

    A row's method (`store.methods`) says whether its scores were drawn.
    """
    text = Text(no_wrap=True, end="")
    text.append(pad(corner, NAME, right=False), "dim")
    for column in columns:
        text.append(" " + pad(column, CELL, right=True), "bold")
    for row, name in zip(rows, tell_apart(rows, NAME), strict=True):
        text.append("\n" + pad(name, NAME, right=False), "bold")
        for column in columns:
            now, moved = value(row, column)
            words = NONE if now is None else f"{score(now, (methods or {}).get(row), 0)} {signed(moved):>6}"
            text.append(" ")
            text.append(pad(words, CELL, right=True), shade(now))
    return text


def shade(score: float | None) -> Style:
    """The colours of a cell; none where there is no score."""
    if score is None:
        return Style(dim=True)
    step = min(int(max(score, 0.0) / 100 * len(SHADES)), len(SHADES) - 1)
    return Style(bgcolor=SHADES[step], color="#101010" if step >= DARK else "#f0f0f0")
