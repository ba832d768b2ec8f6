"""The SQL room: asking, stopping, choosing, drawing, saving."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea, Tree

from idemtui.console.screens.help import HelpScreen
from idemtui.console.screens.record import RecordScreen
from idemtui.console.screens.sql import SqlScreen
from idemtui.console.sql_words import plot_chart
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.sql_editor import SqlEditor
from idemtui.sql.plotting import Plot
from idemtui.sql.saved import queries
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import ledger_of, press, screen_lines, screen_text, settled, until

ENDLESS = "select a.range, b.range from range(1000000000) as a, range(1000000) as b"


def state(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#state", Static).content)


def editor(pilot: Pilot[None]) -> TextArea:
    return pilot.app.screen.query_one("#editor", TextArea)


async def ask(pilot: Pilot[None], statement: str) -> None:
    editor(pilot).text = statement
    await press(pilot, "f5")


OF_DEVICES = {"gpu-time": 0, "training-speed": 0}
"""Rows at least, of queries about what the lab of these tests has not: a GPU, trainings' speed."""


async def test_every_shipped_query_runs(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        for query in queries():
            await ask(pilot, query.text)
            assert " ms" in state(pilot), query.name
            assert ledger_of(pilot, "#rows").count >= OF_DEVICES.get(query.name, 3), query.name


async def test_help_is_in_sight_and_reach_where_a_question_mark_is_typed(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await press(pilot, "6", "question_mark")
        assert "?" in editor(pilot).text
        assert screen_lines(pilot)[-1].rstrip().endswith("F1 Help")
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_errors_stand_beside_the_rows_of_before(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6", "f5")
        rows = ledger_of(pilot, "#rows").count
        await ask(pilot, "delete from runs")
        assert "DELETE is not a reading statement" in state(pilot)
        assert ledger_of(pilot, "#rows").count == rows > 0
        assert "[6 SQL]" in screen_lines(pilot)[0]


async def test_an_answer_of_any_size_is_paged(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        await ask(pilot, "select range as n from range(300000)")
        assert "300,000 rows" in state(pilot)
        await press(pilot, "escape", "G")
        rows = ledger_of(pilot, "#rows")
        row = rows.row(rows.cursor)
        assert row is not None
        assert row[0].text == "299999"
        assert rows.row(5000) is None


async def test_a_statement_can_be_stopped_while_rows_come(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        editor(pilot).text = ENDLESS
        await pilot.press("f5")
        await until(pilot, lambda: "so far" in state(pilot), "rows came")
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in state(pilot), "it was stopped")
        assert ledger_of(pilot, "#rows").count > 0
        await settled(pilot)


async def test_saved_and_earlier_queries_are_searched(house: House, own: Path) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6", "f2", *"by-stage", "enter")
        assert "Where does the time go?" in editor(pilot).text
        await press(pilot, "f5")
        await ask(pilot, "select 42 as answer")
        await press(pilot, "f3")
        assert "select 42 as answer" in screen_text(pilot)
        await press(pilot, *"time", "enter")
        assert "Where does the time go?" in editor(pilot).text
        await press(pilot, "f9", *"time", "enter")
        assert (own / "config" / "idemtui" / "queries" / "time.sql").exists()


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


async def test_f7_selects_the_statement_so_that_typing_replaces_it(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        assert "F7 selects all" in state(pilot)
        await press(pilot, "f7", "f", "r", "o", "m")
        assert editor(pilot).text == "from"


async def test_one_key_draws_the_answer_or_says_why_not(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6", "f8")
        assert "run a statement first" in state(pilot)
        await press(pilot, "f5", "f8")
        chart = pilot.app.screen.query_one("#plot", ChartPane).chart
        assert chart is not None
        assert chart.title == "trait over cycle"
        assert "trait over cycle" in state(pilot)
        await press(pilot, "f8")
        assert " rows  " in state(pilot), "the chart's words go with it"
        await ask(pilot, "select name from runs")
        await press(pilot, "f8")
        assert "no column holds numbers (name)" in state(pilot)


def test_the_signs_of_a_chart_are_named_apart() -> None:
    names = [f"bliss-dpo-continual-beta={beta}-s{seed}" for beta in (0.05, 0.1) for seed in (1, 2)]
    _, words = plot_chart(Plot("cycle", "trait", tuple((name, ((0.0, 1.0), (1.0, 2.0))) for name in names)))
    told = [part.strip() for part in re.split("[●○■□]", words)[1:]]
    assert [name.split("=")[-1] for name in told] == ["0.05-s1", "0.05-s2", "0.1-s1", "0.1-s2"]


async def test_rows_and_charts_are_saved(house: House, own: Path) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6", "f5", "ctrl+s")
        pilot.app.screen.query_one("#line", Input).value = str(own / "rows.parquet")
        await press(pilot, "enter")
        assert pq.read_table(own / "rows.parquet").num_rows == ledger_of(pilot, "#rows").count
        await press(pilot, "ctrl+s")
        pilot.app.screen.query_one("#line", Input).value = str(own / "rows.txt")
        await press(pilot, "enter")
        refusal = pilot.app.screen.query_one("#refusal", Static)
        await until(pilot, lambda: "allowed: .csv or .parquet" in str(refusal.content))
        await press(pilot, "escape", "f8", "ctrl+s")
        pilot.app.screen.query_one("#line", Input).value = str(own / "chart.svg")
        await press(pilot, "enter")
        assert (own / "chart.svg").read_text().startswith("<svg")


async def test_tab_goes_through_the_words_on_offer(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        editor(pilot).text = ""
        await press(pilot, *(key if key != " " else "space" for key in "select 1 from train"), "tab")
        assert editor(pilot).text.endswith("from train_steps")
        await press(pilot, "tab")
        assert editor(pilot).text.endswith("from training_rows")


async def test_tables_open_and_give_their_columns(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await press(pilot, "6")
        editor(pilot).text = ""
        await press(pilot, "f4", "enter", "down", "enter")
        tree: Tree[str] = pilot.app.screen.query_one("#tables", Tree)
        assert editor(pilot).text.strip() == str(tree.root.children[0].children[0].data)
        await press(pilot, "f4")
        assert isinstance(pilot.app.screen, SqlScreen)
        assert editor(pilot).has_focus


async def test_a_row_is_read_in_full_and_copied(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "6")
        await ask(pilot, "select 'a' as one, 'b\u001b[31m' as two")
        await press(pilot, "escape", "enter")
        assert isinstance(pilot.app.screen, RecordScreen)
        assert "\u001b" not in screen_text(pilot)
        await press(pilot, "escape", "y")
        assert pilot.app.clipboard == "a\tb\u001b[31m"


async def test_words_are_dark_where_the_colours_are_light(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "6")
        editor = pilot.app.screen.query_one(SqlEditor)
        for theme, words in (("ansi-light", "github_light"), ("textual-light", "github_light"), ("ansi-dark", "css")):
            pilot.app.theme = theme
            await settled(pilot)
            assert editor.theme == words
