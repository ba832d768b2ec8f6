"""The table of runs: sorted, narrowed, grouped, folded, marked, and asked for several runs at once."""

from __future__ import annotations

from textual.widgets import Input, Static

from engine.errors import ServerError
from idemtui.console.facts import Glance
from idemtui.console.screens.confirm import ConfirmScreen
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import Ledger
from tests.idemtui.console.conftest import FAILED, QUEUED, RUNNING, House
from tests.idemtui.console.test_parts import Listing, run
from tests.idemtui.console.test_rooms import cells, words
from tests.idemtui.console.waiting import console_of, ledger_of, press, screen_text, settled
from tests.store.journals import replicates, write_chain


def names(ledger: Ledger) -> list[str]:
    return [cells(ledger, index)[1] for index in range(ledger.count)]


async def test_sorting_keeps_the_run_under_the_cursor(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "j", "j", "s")
        while cells(ledger_of(pilot, "Ledger"), ledger_of(pilot, "Ledger").cursor)[1] != "Δ":
            await press(pilot, "j")
        await press(pilot, "enter")
        runs = ledger_of(pilot, "#runs")
        assert names(runs)[:2] == ["sft-reset", "dpo-reset"]
        assert cells(runs, runs.cursor)[1] == "dpo-continual"
        assert "by Δ ↑" in words(pilot.app.screen, "#view")
        title = next(x for x in range(80) if runs._titles().text[x] == "Δ")
        await pilot.click("#runs", offset=(title, 0))
        await settled(pilot)
        assert names(runs)[0] == "dpo-continual"
        assert "by Δ ↓" in words(pilot.app.screen, "#view")


async def test_the_filter_narrows_while_it_is_typed_and_goes_with_escape(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "slash", "d", "p", "o")
        runs = ledger_of(pilot, "#runs")
        assert names(runs) == ["dpo-continual", "dpo-reset"]
        await press(pilot, "enter", "j")
        assert console_of(pilot).chosen.name == "dpo-reset"  # type: ignore[union-attr]
        await press(pilot, "slash", "z")
        assert runs.count == 0
        assert "no run has these words" in words(pilot.app.screen, "#view")
        await press(pilot, "escape")
        assert runs.count == 7
        assert not pilot.app.screen.query_one("#words", Input).display
        await press(pilot, "t")
        assert names(runs) == ["sft-running", "sft-queued"]


async def test_where_the_run_under_the_cursor_is_deleted_its_neighbour_is_under_it(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "j", "j")
        console, runs = console_of(pilot), ledger_of(pilot, "#runs")
        gone, after = console.glance.runs[2:4]
        console.glance = Glance(tuple(run for run in console.glance.runs if run is not gone))
        console._show_lab()
        await settled(pilot)
        assert cells(runs, runs.cursor)[1] == after.name
        assert console.chosen == after


async def test_cells_fold_and_show_their_verdict(house: House) -> None:
    for chain in replicates(3, drift=6.0):
        write_chain(house.lab, chain)
    assert house.service is not None
    assert house.service.tail.sync()
    async with house.console().run_test(size=(200, 50)) as pilot:
        await press(pilot, "b", "b", "z")
        runs = ledger_of(pilot, "#runs")
        assert runs.count == 5
        await press(pilot, "G")
        row = cells(runs, runs.cursor)
        assert {"3 runs", "AMPLIFIED"} <= set(row)
        assert "[" in row[-1], "A and L with their interval"
        assert "3 finished; mean Δ" in words(pilot.app.screen, "#standing")
        await press(pilot, "c", "r")
        assert house.commands == [], "a heading is no run"
        await press(pilot, "enter")
        assert names(runs)[-3:] == ["cell-1", "cell-2", "cell-3"]
        await press(pilot, "space")
        assert console_of(pilot).marked == {r.run_id for r in console_of(pilot).glance.runs if r.study == "cells"}


async def test_marked_runs_are_asked_together(house: House) -> None:
    house.answers["pause"] = {"answer": "pausing"}
    async with house.console().run_test() as pilot:
        await press(pilot, "t", "space", "space")
        assert "2 marked: keys act on them" in words(pilot.app.screen, "#view")
        await press(pilot, "r")
        assert house.commands == [("pause", {"run_id": RUNNING}), ("pause", {"run_id": QUEUED})]
        assert "sft-running: pausing\nsft-queued: pausing" in [n.message for n in pilot.app._notifications]
        house.commands.clear()
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "Cancel 2 runs (sft-running, sft-queued)?" in screen_text(pilot)
        house.answers["cancel"] = ServerError("not now")
        await press(pilot, "y")
        assert [name for name, _ in house.commands] == ["cancel", "cancel"]
        assert "sft-running: not now\nsft-queued: not now" in [n.message for n in pilot.app._notifications]
        await press(pilot, "u", "t", "t")
        house.commands.clear()
        await press(pilot, "R")
        assert [(name, fields["run_id"]) for name, fields in house.commands] == [("retry", FAILED)]


async def test_marks_count_in_the_table_alone(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "t", "space", "space", "2", "r")
        assert [fields["run_id"] for _, fields in house.commands] == [QUEUED]


async def test_the_state_of_a_live_run_says_how_long_it_still_has(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        runs = ledger_of(pilot, "#runs")
        titles = [column.title for column in runs.columns]
        row = next(cells(runs, i) for i in range(runs.count) if cells(runs, i)[1] == "sft-running")
        assert row[titles.index("left")].endswith(" s")
        assert len(row[titles.index("Δ curve")]) == 2


async def test_of_a_thousand_runs_only_those_in_sight_become_lines() -> None:
    app = Listing()
    async with app.run_test(size=(40, 12)) as pilot:
        ledger = app.query_one(Ledger)
        ledger.show_columns((Column("n", 9),))
        made: list[int] = []

        def line(index: int) -> tuple[Cell]:
            made.append(index)
            return (Cell(str(index)),)

        ledger.show_lines(1000, line)
        await pilot.pause()
        assert set(made) <= set(range(13))
        made.clear()
        ledger.show_lines(1000, line)
        await pilot.pause()
        assert sorted(set(made)) == list(range(12))
        assert ledger.row(999) == (Cell("999"),)


async def test_a_thousand_runs_are_shown_and_moved_in(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        app = console_of(pilot)
        app.glance = Glance(tuple(run(f"run-{n}", status="finished", study=f"s{n % 50}") for n in range(1000)))
        app._show_lab()
        await press(pilot, "G")
        assert app.chosen is not None
        assert app.chosen.name == "run-999"
        await press(pilot, "b", "z")
        assert ledger_of(pilot, "#runs").count == 50
        assert "study" in str(pilot.app.screen.query_one("#view", Static).content)
