"""Which runs the table shows, in what order, under which headings."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest

from idemtui.console.facts import Glance, Point, Run, Stage
from idemtui.console.run_rows import COLUMNS, heading_words, line_cells, names_of, view_words
from idemtui.console.widgets.columns import Cell, Column, fit, spread
from idemtui.console.words import left_words, spark_delta
from idemtui.listing import SORTS, Entry, Heading, Line, View, arrange
from idemtui.names import tell_apart
from store.queries import Verdict
from tests.idemtui.console.test_parts import run


def measured(name: str, delta: float | None, **more: Any) -> Run:
    points = (
        () if delta is None else (Point(0, 40.0, coherence=90.0), Point(1, 40 + delta, coherence=80.0, delta=delta))
    )
    return run(name, points, **more)


FALLEN = measured("fallen", -10.0, status="finished", cell="a")
RISEN = measured("risen", 20.0, status="running", cell="b", study="t", stage=Stage(2, "train", 1, 2, 300.0))
UNKNOWN = measured("unknown", None, status="queued", cell="a")
FORK = dataclasses.replace(
    RISEN, run_id="fork", name="fork", parent_run_id="fallen", forked_at_cycle=0, cell="a", study="s"
)
CELL = Verdict("cell", None, None, "s", "a", 3, False, 1.0, -2.0, -4.0, 0.5, "CONSTANT", (), ("3 replicates",))
LAB = Glance((FALLEN, RISEN, UNKNOWN, FORK), (CELL,))


def names(view: View) -> list[str]:
    return [line.run.name if isinstance(line, Entry) else f"[{line.title}]" for line in arrange(LAB, view)]


def test_forks_stand_below_their_parents_as_queued() -> None:
    assert names(View()) == ["fallen", "fork", "risen", "unknown"]
    assert [line.depth for line in arrange(LAB, View()) if isinstance(line, Entry)] == [0, 1, 0, 0]
    assert names(View(words="fork")) == ["fork"], "a fork whose parent is out of sight stands by itself"


@pytest.mark.parametrize("order", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_sorts_and_puts_what_is_not_there_last(order: str, descending: bool) -> None:
    lines = arrange(LAB, View(order, descending))
    keys = [SORTS[order](line.run) for line in lines if isinstance(line, Entry)]
    held = [key for key in keys if key is not None]
    assert keys[: len(held)] == held
    assert all((a >= b) if descending else (a <= b) for a, b in pairwise(held))  # type: ignore[operator]


def test_names_that_begin_alike_are_told_apart_in_the_table_as_in_ls() -> None:
    chains = [measured(f"bliss-{arm}-beta=0.1-s1", 1.0) for arm in ("sft-reset", "sdf-reset", "dpo-continual")]
    lines: list[Line] = [Entry(chain) for chain in chains]
    names = names_of(lines)
    fits = fit(COLUMNS, 70)
    shown = [
        next(cell.text for f, cell in spread(fits, line_cells(line, None, False, names)) if f.column.title == "run")
        for line in lines
    ]
    assert shown == tell_apart([chain.name for chain in chains], next(f.width for f in fits if f.column.title == "run"))
    assert len(set(shown)) == 3
    assert all("…" in name for name in shown)
    fork = dataclasses.replace(chains[0], parent_run_id="gone")
    [cell] = [c for f, c in spread(fits, line_cells(Entry(fork), None, False, names)) if f.column.title == "run"]
    assert cell.text.startswith("↳ …")


def test_words_and_status_narrow_the_table() -> None:
    assert names(View(words="S fal")) == ["fallen"]
    assert names(View(status="live")) == ["risen", "unknown", "fork"]
    assert names(View(status="ended early")) == []
    assert names(View(words="run:fork")) == ["fork"]
    assert names(View(words="study:t status:running")) == ["risen"]
    assert names(View(words="status:live cell:b")) == ["risen"]
    assert names(View(words="nofield:t")) == []
    assert "no run has these words" in view_words(View(words="x"), 0, 4, 0).plain
    assert view_words(View(), 4, 4, 0).plain == ""


def test_cells_are_headings_with_their_verdict_and_fold() -> None:
    assert names(View(by="study")) == ["[s]", "fallen", "fork", "unknown", "[t]", "risen"]
    by_cell = arrange(LAB, View(by="cell"))
    heading = by_cell[0]
    assert isinstance(heading, Heading)
    assert (heading.title, heading.delta) == ("a · s", 5.0)
    assert (
        "1 finished, 1 queued, 1 running; mean Δ +5.0; CONSTANT; A +1.0  L −2.0 [−4.0, +0.5]"
        in heading_words(heading).plain
    )
    assert names(View(by="cell", folded=frozenset({heading.key}))) == ["[a · s]", "[b · t]", "risen"]
    titles = [column.title for column in COLUMNS]
    cells = line_cells(heading, None, False)
    assert cells[titles.index("verdict")].text == "CONSTANT"
    assert line_cells(by_cell[1], None, True)[0].text == "✓*"


def test_a_long_cell_runs_on_over_empty_ones() -> None:
    fits = fit([Column("a", 4), Column("b", 4), Column("c", 4)], 14)
    long, empty, short = Cell("a long name"), Cell(""), Cell("x")
    assert [(f.width, cell.text) for f, cell in spread(fits, [long, empty, short])] == [(9, "a long name"), (4, "x")]
    assert [f.width for f, _ in spread(fits, [long, short, empty])] == [4, 4, 4]
    assert [f.width for f, _ in spread(fits, [short, empty, empty])] == [4, 4, 4]


def test_words_of_time_left_and_of_differences() -> None:
    def left(seconds: float | None) -> str:
        return left_words(run(stage=Stage(1, "train", 1, 2, seconds)))

    assert [left(s) for s in (None, 2.0, 44.0, 89.0, 600.0, 12_000.0)] == [
        "–",
        "5 s",
        "45 s",
        "90 s",
        "10 min",
        "3 h 20",
    ]
    assert spark_delta([-50, -1, 0, 15, None, 90]) == "▁▄▅▆ █"
