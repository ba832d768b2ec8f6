"""A score that a judge drew carries ≈ wherever the console shows it, and one that was read carries nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from idemtui.console.comparing import Compared
from idemtui.console.facts import Glance, Point
from idemtui.console.run_rows import heading_cells, run_cells
from idemtui.console.screens.compare import group_cells, matrix_text, worth_words
from idemtui.console.screens.ladder import rung_line
from idemtui.console.screens.run import headline
from idemtui.console.text_facts import Line, Rungs
from idemtui.console.widgets.columns import Cell
from idemtui.console.widgets.prose import ladder_text, rung_head
from idemtui.console.widgets.sample_lines import sample_cells
from idemtui.console.widgets.sample_text import judged, scores
from idemtui.listing import Entry, Heading
from store.compare import Comparison, Group, GroupPoint, MatrixCell
from store.ladders import LadderPrompt
from store.texts import Judgement, Rung
from tests.idemtui.console.test_parts import run

POINT = Point(0, 47.3, coherence=88.2)
DRAWN, READ = run("drawn", (POINT,), judge_method="sampled-5"), run("read", (POINT,))
GROUP = Group("g", ("drawn",), (GroupPoint(0, 1, 47.3, None, None, 88.0, None, None, None, None, None),))
RUNG = Rung("drawn", 0, "p", 0, "s", "why?", "so", 47.3, 88.0)
LINE = Line(
    0, "s", "drawn", 0, "eval", "p", 0, 0, "why?", "so", 3, "eos", True, None, 4.0, 0.0, 0.0, 100.0, "score", 88.0,
    "score", None, (),
)  # fmt: skip


def texts(cells: Sequence[Cell]) -> str:
    return " ".join(cell.text for cell in cells)


def everywhere(method: str | None) -> dict[str, str]:
    """What each room shows of the same scores by a method."""
    group = Compared(Comparison("run", (GROUP,), ()), (MatrixCell("g", 0, "bliss", 47.3, 1),))
    rungs = Rungs("drawn", LadderPrompt("p", "why?", 1), (RUNG,))
    return {
        "compare": texts(group_cells(GROUP, 0, Cell("g"), method)),
        "matrix": matrix_text(group, 0, {"g": method}).plain,
        "samples": texts(sample_cells(LINE, str, lambda _: method)),
        "rungs": rung_line(rungs, (), method).plain,
        "head of a side": rung_head(RUNG, 0, 1, "", method).plain,
        "full text": scores([Judgement("trait", "j", 47.3, 1.0, 4.0, "score", ((47, 1.0),), method)]),
        "a judgement": next(judged(Judgement("trait", "j", 47.3, 1.0, 4.0, "score", (), method)))[0],
        "a heading": texts(heading_cells(Heading("k", "t", (replace(READ, judge_method=method),)))),
        "ladder": ladder_text([(RUNG, ())], method).plain,
    }


def test_every_room_marks_what_was_drawn() -> None:
    shown = everywhere("sampled-5")
    assert [name for name, text in shown.items() if "≈" not in text] == []
    assert "≈47" in shown["compare"]
    assert "≈100 ≈88" in shown["samples"]
    assert shown["rungs"].endswith("M0 ≈47  (sampled-5)")
    assert "Scores by sampled-5: each is the mean" in worth_words(GROUP, "sampled-5").plain


@pytest.mark.parametrize("method", ["logprobs", "tree", None])
def test_no_room_marks_what_was_read(method: str | None) -> None:
    assert "≈" not in "".join(everywhere(method).values())
    assert worth_words(GROUP, method).plain == ""


def test_runs_and_run_do_so_too() -> None:
    read, drawn = (texts(run_cells(Entry(each))) for each in (READ, DRAWN))
    assert "47.3" in read
    assert "≈47" in drawn
    assert "≈88" in drawn
    assert "(sampled-5)" in headline(DRAWN, Glance((DRAWN,)), None).plain
    assert "sampled-" not in headline(READ, Glance((READ,)), None).plain


def test_of_runs_together_the_one_that_drew_names_the_method() -> None:
    lab = Glance((READ, DRAWN))
    assert lab.method(["read", "drawn"]) == "sampled-5"
    assert lab.method(["read"]) is None
    assert lab.method(["gone"]) is None
