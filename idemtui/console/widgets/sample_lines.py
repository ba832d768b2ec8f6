"""A sample as a line of a list, and the list's filter in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from idemtui.console.filter_words import line_of
from idemtui.console.text_facts import Line, Listing
from idemtui.console.widgets.columns import Cell, Column, Name
from idemtui.console.words import generation, score, signed
from idemtui.names import Apart
from idemtui.text import one_line

COLUMNS = (
    Column("gen", 4),
    Column("s", 4, right=True),
    Column("coh", 4, right=True, rank=1),
    Column("jump", 6, right=True, rank=3),
    Column("for", 8, rank=8),
    Column("run", 12, rank=6, name=True, most=20),
    Column("tok", 4, right=True, rank=7),
    Column("prompt", 12, rank=5, flex=1),
    Column("answer", 14, flex=3),
)
SORTED = {"drawn": "as drawn", "time": "newest first", "jump": "by jump", "length": "by length"}


def sample_cells(
    line: Line | None,
    run_name: Callable[[str], str],
    method_of: Callable[[Sequence[str]], str | None],
    names: Apart | None = None,
) -> Sequence[Cell]:
    """One sample as a row, with ≈ where the run's judge drew its scores; `names` are those of all runs.

    One that is gone says so.
    """
    if line is None:
        return (*(Cell(""),) * (len(COLUMNS) - 1), Cell("(removed since)", "dim"))
    answer = one_line(line.response) or "(empty)"
    marked = f"◆{','.join(map(one_line, line.marks))} " if line.marks else ""
    method, name = method_of((line.run_id,)), run_name(line.run_id)
    return (
        Cell(generation(line.cycle), "accent"),
        Cell(score(line.trait, method, 0)),
        Cell(score(line.coherence, method, 0)),
        Cell(signed(line.jump), "dim"),
        Cell(line.purpose, "dim"),
        Cell(name, "dim", None if names is None else Name(name, names)),
        Cell(str(line.tokens), "dim"),
        Cell(one_line(line.prompt), "dim"),
        Cell(marked + answer, "" if line.kept else "warn"),
    )


def filter_words(asked: Listing, run_name: str, count: int, share: float | None, *, stopped: bool) -> Text:
    """The filter, each part with the key that changes it; `share` of the lab has been searched, None while re-read."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    wanted = asked.wanted
    keyed = (
        ("[ ]", run_name),
        ("← →", "all generations" if wanted.cycle is None else generation(wanted.cycle)),
        ("p", wanted.purpose or "all purposes"),
        ("s", SORTED.get(asked.order, f"by {asked.order}")),
    )
    for key, words in keyed:
        text.append(f" {key} ", "dim")
        text.append(words, "bold")
        text.append(" ")
    more = more_words(asked)
    if more:
        text.append(" / ", "dim")
        text.append(more, "bold")
        text.append(" ")
    text.append(count_words(count, share, stopped=stopped), "dim")
    return text


def more_words(asked: Listing) -> str:
    """What the filter says beside generation and purpose."""
    from dataclasses import replace

    return one_line(line_of(replace(asked.wanted, cycle=None, purpose=None)), 60)


def count_words(count: int, share: float | None, *, stopped: bool) -> str:
    """How many there are, and whether that is all."""
    held = f" {count:,} sample{'' if count == 1 else 's'}"
    if stopped:
        return f"{held} until it was stopped"
    if share is None or share >= 1:
        return held
    return f" searching …{f' {share:.0%},{held}' if share else ''} (Esc stops)"
