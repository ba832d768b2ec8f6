"""The parts that need no lab: columns, lists, charts, words, traces."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult

import idemtui.console.widgets as widgets
from idemtui.console.charts import Chart, Level, Series, draw, round_marks
from idemtui.console.facts import Point, Run, Stage
from idemtui.console.run_charts import coherence_chart, trait_chart
from idemtui.console.run_reader import settings_of, traces_of
from idemtui.console.saved_charts import chart_file
from idemtui.console.widgets.columns import GAP, Cell, Column, fit, pad
from idemtui.console.widgets.ledger import PAGE, Ledger
from idemtui.console.words import chain_words, cycle_of, doing, event_words, paper_word, signed, spark, time_of_day
from store.queries import Step, Verdict

COLUMNS = (Column("a", 5), Column("b", 8, rank=2), Column("c", 4, rank=1), Column("d", 6, flex=1))


def run(name: str = "one", points: tuple[Point, ...] = (), **more: object) -> Run:
    facts = {
        "run_id": name, "study": "s", "name": name, "cell": "c", "status": "running", "trait": "bliss", "model": "m",
        "regime": "sft", "init": "initial", "reference": None, "rejected": None, "cycles": 6, "seed": 1, "n_seed": 2,
        "n_sampled": 3,
    }  # fmt: skip
    return Run(**{**facts, **more}, points=points)  # type: ignore[arg-type]


def test_columns_of_high_rank_go_first_and_flexible_ones_fill() -> None:
    assert [f.column.title for f in fit(COLUMNS, 80)] == ["a", "b", "c", "d"]
    assert sum(f.width + GAP for f in fit(COLUMNS, 80)) - GAP == 80
    assert [f.column.title for f in fit(COLUMNS, 18)] == ["a", "c", "d"]
    assert [f.column.title for f in fit(COLUMNS, 3)] == ["a", "d"]


@given(st.text(max_size=40), st.integers(0, 30), st.booleans())
def test_padded_text_takes_its_width_exactly(text: str, width: int, right: bool) -> None:
    assert cell_len(pad(text, width, right)) == width


class Listing(App[None]):
    CSS = "Ledger { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[int] = []

    def compose(self) -> ComposeResult:
        yield Ledger((Column("n", 9),))

    @on(Ledger.PageWanted)
    def take_page_wanted(self, message: Ledger.PageWanted) -> None:
        self.wanted.append(message.offset)
        rows = [(Cell(str(n)),) for n in range(message.offset, message.offset + PAGE)]
        message.ledger.show_page(message.offset, rows)


async def test_a_list_of_a_million_rows_asks_for_what_is_in_sight() -> None:
    app = Listing()
    async with app.run_test(size=(40, 12)) as pilot:
        ledger = app.query_one(Ledger)
        ledger.focus()
        ledger.show_count(1_000_000)
        await pilot.pause()
        await pilot.press("G", "k")
        assert ledger.cursor == 999_998
        assert set(app.wanted) == {0, 1_000_000 - PAGE}
        ledger.renew(1_000_001)
        await pilot.pause()
        assert app.wanted.count(1_000_000 - PAGE) == 2
        assert ledger.row(999_999) is not None


async def test_a_click_moves_the_cursor() -> None:
    app = Listing()
    async with app.run_test(size=(40, 12)) as pilot:
        ledger = app.query_one(Ledger)
        ledger.show_rows([(Cell(str(n)),) for n in range(5)])
        await pilot.pause()
        await pilot.click(Ledger, offset=(3, 4))
        assert ledger.cursor == 3
        await pilot.click(Ledger, offset=(3, 0))
        assert ledger.cursor == 3


CURVE = tuple(Point(cycle, 10.0 * cycle + 20, 10.0 * cycle + 15, 10.0 * cycle + 25, 90.0) for cycle in range(-1, 5))


@pytest.mark.parametrize(("width", "height"), [(40, 10), (100, 40), (300, 80), (10, 3), (1, 1)])
def test_charts_have_the_size_asked_for(width: int, height: int) -> None:
    for chart in (trait_chart([run(points=CURVE)], None), coherence_chart([run()], None)):
        lines = draw(chart, width, height).plain.split("\n")
        assert len(lines) == height
        if width >= 20:
            assert max(map(cell_len, lines)) <= width


def test_a_trait_chart_names_its_generations_and_its_lines() -> None:
    one = run(points=CURVE)
    drawn = draw(trait_chart([one], one), 80, 24).plain
    for word in ("trait: bliss", "base", "M0", "M6", "100┤", "s(M0)", "+15", "│"):
        assert word in drawn


def test_curves_between_two_round_numbers_have_a_scale() -> None:
    drawn = draw(Chart("words a sentence", (Series("one", ((0.0, 7.53), (1.0, 7.91))),)), 40, 8).plain
    assert "7.6┤" in drawn
    assert "7.8┤" in drawn


def test_a_saved_chart_says_which_sign_is_whose() -> None:
    points = ((0.0, 10.0), (1.0, 20.0))
    two = Chart("trait", (Series("one [b]", points), Series("two", points, marker="○"), Series("unmeasured", ())))
    assert chart_file(two, ".txt").endswith("\n ● one [b]\n ○ two\n")
    assert "two" in chart_file(two, ".svg")
    assert "unmeasured" not in chart_file(two, ".txt")
    alone = Chart("loss", (Series("loss", points, dots=False),))
    assert chart_file(alone, ".txt").count("loss") == 1


def test_levels_of_one_line_share_their_word() -> None:
    levels = (Level(40.0, "s(M0)"), Level(42.0, "+15"))
    drawn = draw(Chart("t", (Series("a", ((0.0, 0.0), (1.0, 100.0))),), levels, y_range=(0, 100)), 60, 9).plain
    assert "s(M0), +15" in drawn


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
def test_a_gradient_that_is_no_number_leaves_the_others_drawn(value: float) -> None:
    norms = Series("gradient norm", ((0.0, 0.5), (1.0, value), (2.0, 0.7)))
    assert "0.6┤" in draw(Chart("norm", (norms,)), 40, 8).plain
    assert "nothing measured yet" in draw(Chart("norm", (replace(norms, points=((1.0, value),)),)), 40, 8).plain


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 20))
def test_axis_marks_are_few_and_inside(low: float, width: float, most: int) -> None:
    marks = round_marks(low, low + width, most)
    assert 2 <= len(marks) <= max(most + 1, 5)
    slack = width * 1e-6 + abs(low) * 1e-12
    assert all(low - slack <= mark <= low + width + slack for mark in marks)


def test_words_of_a_run() -> None:
    assert signed(-3.14) == "−3.1"
    assert spark([0, None, 50, 100, 250]) == "▁ ▅██"
    assert cycle_of(run()) == "–"
    assert cycle_of(run(points=CURVE)) == "4/6"
    assert doing(run(stage=Stage(2, "judge", 5, 10))) == "judge 50%"
    assert doing(run(status="failed", stage=Stage(2, "judge", 5, 10))) == "failed"
    assert run(points=CURVE).delta == 40.0
    assert run(init="previous", reference="initial", rejected="previous").arm == "continual ref initial rej previous"
    verdict = Verdict("run", "r", "r", "s", "c", 1, True, 39.0, 12.0, 8.0, 16.0, None, ("DEGENERATE",), ())
    assert (paper_word(verdict), paper_word(None)) == ("amplified", "–")
    assert chain_words(verdict) == "A +39.0  L +12.0 [+8.0, +16.0]  DEGENERATE"


def test_events_become_sentences_and_unknown_ones_keep_their_name() -> None:
    assert event_words("cycle_started", {"cycle": -1}) == "base begins"
    assert event_words("moon_landed", {"cycle": 1}) == "moon landed"
    assert event_words("stage_finished", {"cycle": 1}) == "stage finished"
    judged = {"cycle": 1, "stage": "judge", "seconds": 3.3, "tokens": 0}
    assert event_words("stage_finished", judged) == "M1: judge done in 3.3 s"
    assert event_words("stage_finished", judged | {"tokens": 9}) == "M1: judge done in 3.3 s, 9 tokens"
    assert time_of_day(datetime(2026, 1, 1, 9, 5, tzinfo=UTC)) == "09:05:00"


@pytest.mark.parametrize("height", range(6, 30))
def test_no_two_numbers_of_an_axis_stand_in_one_row(height: int) -> None:
    for low, high in ((5.62, 6.41), (0.0, 1.0), (-3.3, 97.0), (1e-7, 3e-7)):
        drawn = draw(Chart("a", (Series("b", ((0, low), (1, high))),)), 60, height).plain
        ticks = [line.partition("┤")[0].strip() for line in drawn.splitlines() if "┤" in line]
        assert 2 <= len(ticks) == len(set(ticks))
        assert [float(tick) for tick in ticks] == sorted(map(float, ticks), reverse=True)


def test_trainings_stand_behind_each_other_on_one_axis() -> None:
    traces, starts = traces_of([Step(0, 1, "loss", 2.0), Step(0, 2, "loss", 1.0), Step(1, 1, "loss", 3.0)])
    assert traces[0].values == ((1.0, 2.0), (2.0, 1.0), (3.0, 3.0))
    assert starts == ((0.0, 0), (2.0, 1))


def test_settings_carry_their_origin() -> None:
    spec = {"run": {"trait": "bliss", "reference": None, "seed": 0}, "origins": {"run.trait": "study"}}
    assert [(s.name, s.value, s.origin) for s in settings_of(spec)] == [
        ("run.trait", "bliss", "study"),
        ("run.seed", "0", ""),
    ]


def test_settings_that_nobody_set_and_that_say_nothing_are_left_out() -> None:
    spec = {"eval": {"likelihoods": 4, "distinct_words": 500, "traits": []}, "train": {"steps": None}}
    assert [s.name for s in settings_of(spec)] == ["eval.likelihoods", "eval.distinct_words"]


def test_widgets_touch_neither_store_nor_engine() -> None:
    for file in Path(next(iter(widgets.__path__))).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [
                name for name in names if name and name.split(".")[0] in ("store", "engine", "duckdb", "pyarrow")
            ]


def test_opening_the_console_imports_nothing_heavy() -> None:
    program = (
        "import sys, idemtui.cli.main, idemtui.console.app, idemtui.console.screens.runs; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    )
    heavy = ["torch", "pandas", "pyarrow", "duckdb", "plotext", "numpy", "pydantic", "transformers", "tree_sitter"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
