"""The lines of the table of runs: a run, or a study or cell over its runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from idemtui.console.facts import Run
from idemtui.console.lab_facts import Server
from idemtui.console.standing import doing_now, reason
from idemtui.console.widgets.columns import Cell, Column, Name, Tone
from idemtui.console.words import (
    SIGNS,
    chain_words,
    cycle_of,
    left_words,
    paper_word,
    score,
    signed,
    spark_delta,
    verdict_label,
)
from idemtui.listing import AS_QUEUED, Entry, Heading, Line, View
from idemtui.names import Apart
from idemtui.text import one_line

COLUMNS = (
    Column("", 2),
    Column("run", 12, flex=2, name=True),
    Column("study", 12, rank=7),
    Column("trait", 12, rank=6),
    Column("regime, arm", 13),
    Column("model", 15, rank=9),
    Column("seed", 4, rank=10, right=True),
    Column("cycle", 6, right=True),
    Column("doing", 9, rank=1),
    Column("left", 7, rank=3, right=True),
    Column("s", 5, rank=5, right=True),
    Column("Δ", 6, right=True),
    Column("coh", 4, right=True),
    Column("Δ curve", 8, rank=4),
    Column("verdict", 9, rank=2),
    Column("this chain: A, L [90 %]", 24, rank=8, flex=3),
)
TONES: dict[str, Tone] = {
    "running": "accent",
    "failed": "bad",
    "finished": "good",
    "queued": "dim",
    "cancelled": "dim",
    "paused": "warn",
}
FORKED = "↳ "
MARKED = "*"
"""Beside the state of a run that is marked."""
FOLDED, OPEN = "▸", "▾"
TITLES = {"verdict": "A", "this chain: A, L [90 %]": "L", "doing": "status", "Δ curve": "Δ", "": "status"}
"""What a click on a title sorts by, where that is not what the title says."""
NOTHING_SHOWN = "no run has these words and this status; Esc and t show others"
REASONED: dict[str, Tone] = {"failed": "bad", "queued": "dim", "cancelled": "dim"}


def line_cells(line: Line, server: Server | None, marked: bool, names: Apart | None = None) -> Sequence[Cell]:
    """One line of the table; `names` are those of all its runs."""
    return heading_cells(line) if isinstance(line, Heading) else run_cells(line, server, marked, names)


def names_of(lines: Sequence[Line]) -> Apart:
    """The names of a table's runs."""
    return Apart([one_line(line.run.name) for line in lines if isinstance(line, Entry)])


def heading_cells(heading: Heading) -> Sequence[Cell]:
    """A study or a cell: how its runs stand, their mean Δ, and the cell's verdict with its interval."""
    held = [run.last.coherence for run in heading.runs if run.last and run.last.coherence is not None]
    texts = {
        "": FOLDED if heading.folded else OPEN,
        "run": one_line(heading.title),
        "doing": f"{len(heading.runs)} run" + ("" if len(heading.runs) == 1 else "s"),
        "Δ": signed(heading.delta),
        "coh": score(sum(held) / len(held) if held else None, heading.method, 0),
        "verdict": verdict_label(heading.verdict),
        "this chain: A, L [90 %]": chain_words(heading.verdict) or heading.standing,
    }
    return [Cell(texts.get(column.title, ""), "accent") for column in COLUMNS]


def run_cells(
    entry: Entry, server: Server | None = None, marked: bool = False, names: Apart | None = None
) -> Sequence[Cell]:
    """One run as a row of the table; a fork's name stands behind an arrow, a marked one has a star."""
    run = entry.run
    tone: Tone = TONES.get(run.status, "")
    last = run.last
    why = reason(run, server)
    lead, name = "  " * max(entry.depth - 1, 0) + (FORKED if run.parent_run_id else ""), one_line(run.name)
    return (
        Cell(SIGNS.get(run.status, "?") + (MARKED if marked else ""), tone),
        Cell(lead + name, name=None if names is None else Name(name, names, lead)),
        Cell(one_line(run.study), "dim"),
        Cell(run.trait),
        Cell(f"{run.regime} {run.arm}"),
        Cell(one_line(run.model), "dim"),
        Cell(str(run.seed), "dim"),
        Cell(cycle_of(run)),
        Cell(doing_now(run, server), tone),
        Cell(left_words(run) if run.live else "", "dim"),
        Cell(score(last.trait if last else None, run.judge_method)),
        Cell(signed(run.delta)),
        Cell(score(last.coherence if last else None, run.judge_method, 0)),
        Cell(spark_delta(deltas(run))),
        Cell(paper_word(run.verdict), "warn" if run.verdict and run.verdict.amplified_by_paper else ""),
        Cell(why or chain_words(run.verdict), REASONED.get(run.status, "warn") if why else "dim"),
    )


def deltas(run: Run) -> list[float | None]:
    """Δ of every generation from M_1 on."""
    return [point.delta for point in run.points if point.cycle >= 1]


def heading_words(heading: Heading) -> Text:
    """A study or a cell in one line: its runs, mean Δ, label, interval, and what the verdict notes first."""
    text = Text(f" {one_line(heading.title)}  ", "bold", no_wrap=True, overflow="ellipsis", end="")
    verdict = heading.verdict
    words = [heading.standing, f"mean Δ {signed(heading.delta)}"]
    if verdict is not None:
        words += [verdict_label(verdict), chain_words(verdict), *verdict.notes[:1]]
    text.append("; ".join(filter(None, words)), "dim")
    return text


def view_words(view: View, shown: int, every: int, marked: int) -> Text:
    """How the table is seen, each part with the key that changes it; nothing where it shows all runs as queued."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    parts = []
    if view.words or view.status != "all":
        parts.append(("t", f"{view.status}: {shown} of {every} runs" if shown else NOTHING_SHOWN))
    if view.order != AS_QUEUED:
        parts.append(("s", f"by {view.order} {'↓' if view.descending else '↑'}"))
    if view.by:
        parts.append(("b", f"grouped by {view.by}"))
    if marked:
        parts.append(("u", f"{marked} marked: keys act on {'it' if marked == 1 else 'them'}"))
    for key, words in parts:
        text.append(f" {key} ", "dim")
        text.append(words + " ", "bold")
    return text
