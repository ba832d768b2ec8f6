"""Which runs a table shows, in what order, and under which headings: the console's Runs and `idemtui ls`.

Forks stand below their parents.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from idemtui.console.facts import Glance, Run, method_of
from store.queries import Verdict

Grouping = Literal["", "study", "cell"]
GROUPINGS: tuple[Grouping, ...] = ("", "study", "cell")
STATUSES: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "live": ("running", "queued", "paused"),
    "finished": ("finished",),
    "ended early": ("failed", "cancelled", "paused"),
}
AS_QUEUED = "as queued"
Key = float | str | None
SORTS: Mapping[str, Callable[[Run], Key]] = {
    AS_QUEUED: lambda _: None,
    "run": lambda run: run.name,
    "status": lambda run: run.status,
    "study": lambda run: run.study,
    "trait": lambda run: run.trait,
    "regime, arm": lambda run: f"{run.regime} {run.arm}",
    "model": lambda run: run.model,
    "seed": lambda run: run.seed,
    "cycle": lambda run: run.last.cycle if run.last else None,
    "left": lambda run: run.stage.left_seconds if run.stage else None,
    "s": lambda run: run.last.trait if run.last else None,
    "Δ": lambda run: run.delta,
    "coh": lambda run: run.last.coherence if run.last else None,
    "A": lambda run: run.verdict.a if run.verdict else None,
    "L": lambda run: run.verdict.l if run.verdict else None,
}
"""What the table can be sorted by; a value that is not there stands last either way."""


@dataclass(frozen=True)
class View:
    """How somebody wants to see the lab's runs."""

    order: str = AS_QUEUED
    descending: bool = False
    words: str = ""
    """Each of them must stand somewhere in a run's fields; `study:demo` in that field alone."""
    status: str = "all"
    by: Grouping = ""
    folded: frozenset[str] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether everything is shown as it was queued."""
        return self.order == AS_QUEUED and not self.words and self.status == "all" and not self.by


@dataclass(frozen=True)
class Entry:
    """A run in the table; `depth` says how many forks away its first ancestor in sight stands."""

    run: Run
    depth: int = 0

    @property
    def key(self) -> str:
        """What tells this line from others."""
        return self.run.run_id


@dataclass(frozen=True)
class Heading:
    """A study or a cell over its runs; `verdict` is the cell's."""

    key: str
    title: str
    runs: tuple[Run, ...]
    verdict: Verdict | None = None
    folded: bool = False

    @property
    def delta(self) -> float | None:
        """The mean of its runs' newest Δ."""
        held = [run.delta for run in self.runs if run.delta is not None]
        return sum(held) / len(held) if held else None

    @property
    def method(self) -> str | None:
        """How the judges of its runs came to their scores; of several a method that draws comes first."""
        return method_of(self.runs)

    @property
    def standing(self) -> str:
        """`3 finished, 1 running`."""
        return ", ".join(f"{count} {status}" for status, count in Counter(run.status for run in self.runs).items())


Line = Entry | Heading


def arrange(glance: Glance, view: View) -> list[Line]:
    """The lines of the table."""
    runs = sorted_runs([run for run in glance.runs if wanted(run, view)], view)
    if not view.by:
        return list(_entries(runs, view))
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.study, run.cell if view.by == "cell" else ""].append(run)
    several = len({study for study, _ in groups}) > 1
    lines: list[Line] = []
    for (study, cell), members in groups.items():
        heading = _heading(glance, view, study, cell, members, several)
        lines.append(heading)
        lines += () if heading.folded else _entries(members, view)
    return lines


def _heading(glance: Glance, view: View, study: str, cell: str, runs: Sequence[Run], several: bool) -> Heading:
    title = study if view.by == "study" else f"{cell} · {study}" if several else cell
    key = f"{view.by}\n{study}\n{cell}"
    verdict = glance.cell_verdict(study, cell) if view.by == "cell" else None
    return Heading(key, title, tuple(runs), verdict, key in view.folded)


def _entries(runs: Sequence[Run], view: View) -> Iterable[Entry]:
    """Runs in their order, and forks right below their parents where nobody asked for another order."""
    if view.order != AS_QUEUED:
        yield from map(Entry, runs)
        return
    shown = {run.run_id for run in runs}
    forks: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.parent_run_id in shown:
            forks[run.parent_run_id or ""].append(run)
    waiting = [(run, 0) for run in reversed(runs) if run.parent_run_id not in shown]
    while waiting:
        run, depth = waiting.pop()
        yield Entry(run, depth)
        waiting += [(fork, depth + 1) for fork in reversed(forks[run.run_id])]


def wanted(run: Run, view: View) -> bool:
    """Whether a view shows a run."""
    statuses = STATUSES[view.status]
    if statuses and run.status not in statuses:
        return False
    fields = fields_of(run)
    text = " ".join(fields.values())
    return all(_stands(word, fields, text) for word in view.words.lower().split())


def fields_of(run: Run) -> dict[str, str]:
    """What words are looked for in, by the names that a word may give: `trait:bliss`."""
    told = {
        "run": run.name,
        "id": run.run_id,
        "study": run.study,
        "cell": run.cell,
        "trait": run.trait,
        "regime": run.regime,
        "arm": run.arm,
        "model": run.model,
        "status": run.status,
    }
    return {name: value.lower() for name, value in told.items()}


def _stands(word: str, fields: Mapping[str, str], text: str) -> bool:
    name, colon, sought = word.partition(":")
    if not colon or name not in fields:
        return word in text
    if name == "status" and sought in STATUSES:
        return not STATUSES[sought] or fields[name] in STATUSES[sought]
    return sought in fields[name]


def sorted_runs(runs: Sequence[Run], view: View) -> list[Run]:
    """Runs by the view's order; equal ones stay as they were queued."""
    key = SORTS[view.order]
    if view.order == AS_QUEUED:
        return list(reversed(runs)) if view.descending else list(runs)
    held = [run for run in runs if key(run) is not None]
    rest = [run for run in runs if key(run) is None]
    return sorted(held, key=key, reverse=view.descending) + rest  # type: ignore[arg-type]
