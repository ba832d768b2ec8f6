"""The lines of the table of runs: a run, or a study or cell over its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
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
    Column("run", 12, name=True),
    Column("study", 12, rank=7, name=True),
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
    Column("this chain: A, L [90 %]", 24, rank=8, flex=1),
)
STUDY_TELLS = Column("study", 7, rank=2, name=True)
"""The study's column where runs of several studies have one name: nothing else tells them apart."""
WORDED = ("run", "study", "trait", "regime, arm", "model")
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


@dataclass(frozen=True)
class Names:
    """What a table's runs, studies and headings are called."""

    runs: Apart
    studies: Apart
    headings: Apart


def line_cells(line: Line, server: Server | None, marked: bool, names: Names | None = None) -> Sequence[Cell]:
    """One line of the table; `names` are those of all its lines."""
    return heading_cells(line, names) if isinstance(line, Heading) else run_cells(line, server, marked, names)


def names_of(lines: Sequence[Line]) -> Names:
    """The names of a table's lines."""
    runs = [line.run for line in lines if isinstance(line, Entry)]
    return Names(
        Apart([one_line(run.name) for run in runs]),
        Apart([one_line(run.study) for run in runs]),
        Apart([one_line(line.title) for line in lines if isinstance(line, Heading)]),
    )


def columns_of(lines: Sequence[Line]) -> Sequence[Column]:
    """The columns, where there is room as wide as these lines' words and no wider; the study's stays where it must."""
    entries = [line for line in lines if isinstance(line, Entry)]
    widest = {title: len(title) for title in WORDED}
    for entry in entries:
        for title, text in _words(entry).items():
            widest[title] = max(widest[title], cell_len(text))
    pairs = {(entry.run.name, entry.run.study) for entry in entries}
    headed = len(lines) > len(entries)
    alike = not headed and len({name for name, _ in pairs}) < len(pairs)
    columns = [STUDY_TELLS if alike and column.title == "study" else column for column in COLUMNS]
    return [_fitted(column, widest[column.title]) if column.title in widest else column for column in columns]


def _fitted(column: Column, widest: int) -> Column:
    return replace(column, width=min(column.width, widest), most=widest)


def _words(entry: Entry) -> dict[str, str]:
    """What a run's row says in the columns that are as wide as their words."""
    run = entry.run
    words = (_lead(entry) + one_line(run.name), one_line(run.study), run.trait, f"{run.regime} {run.arm}")
    return dict(zip(WORDED, (*words, one_line(run.model)), strict=True))


def _lead(entry: Entry) -> str:
    return "  " * max(entry.depth - 1, 0) + (FORKED if entry.run.parent_run_id else "")


def heading_cells(heading: Heading, names: Names | None = None) -> Sequence[Cell]:
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
    title = texts["run"]
    told = None if names is None else Name(title, names.headings)
    return [Cell(texts.get(column.title, ""), "accent", told if column.title == "run" else None) for column in COLUMNS]


def run_cells(
    entry: Entry, server: Server | None = None, marked: bool = False, names: Names | None = None
) -> Sequence[Cell]:
    """One run as a row of the table; a fork's name stands behind an arrow, a marked one has a star."""
    run = entry.run
    tone: Tone = TONES.get(run.status, "")
    last = run.last
    why = reason(run, server)
    words, lead, name = _words(entry), _lead(entry), one_line(run.name)
    return (
        Cell(SIGNS.get(run.status, "?") + (MARKED if marked else ""), tone),
        Cell(words["run"], name=None if names is None else Name(name, names.runs, lead)),
        Cell(words["study"], "dim", None if names is None else Name(words["study"], names.studies)),
        Cell(words["trait"]),
        Cell(words["regime, arm"]),
        Cell(words["model"], "dim"),
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
