"""What keys do, room by room, on a lab behind a real service."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from idemtui.console.screens.confirm import ConfirmScreen
from idemtui.console.screens.help import HelpScreen
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.columns import Cell
from idemtui.console.widgets.ledger import Ledger
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import console_of, ledger_of, press, screen_lines, screen_text, settled, until
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain

ROOMS = {
    "1": "[1 Runs]",
    "2": "[2 Run]",
    "3": "[3 Samples]",
    "4": "[4 Ladder]",
    "5": "[5 Compare]",
    "6": "[6 SQL]",
    "7": "[7 Launch]",
}


def cells(ledger: Ledger, index: int) -> list[str]:
    return [cell.text for cell in ledger.row(index) or (Cell(""),)]


def words(house_screen: object, selector: str) -> str:
    return str(house_screen.query_one(selector, Static).content)  # type: ignore[attr-defined]


async def test_every_room_opens_by_its_number_and_says_which_it_is(house: House) -> None:
    async with house.console().run_test() as pilot:
        for key, title in ROOMS.items():
            await press(pilot, key)
            assert title in screen_lines(pilot)[0]
            await press(pilot, *(("escape",) if key == "6" else ()))
        await press(pilot, "1")
        assert "[1 Runs]" in screen_lines(pilot)[0]


async def test_the_table_shows_state_progress_and_verdict(house: House) -> None:
    async with house.console().run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        runs = ledger_of(pilot, "#runs")
        named = {cells(runs, i)[1]: cells(runs, i) for i in range(runs.count)}
        assert {"6/6", "finished", "amplified", "dpo continual"} <= set(named["dpo-continual"])
        assert {"3/6", "eval 53%", "–"} <= set(named["sft-running"])
        assert "cycle 1: the training took 0 optimizer steps." in named["sft-failed"]
        assert "queued" in named["sft-queued"]


async def test_all_rooms_look_at_the_run_under_the_cursor(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "j", "down", "enter")
        assert "dpo-continual" in words(pilot.app.screen, "#headline")
        await press(pilot, "3")
        assert "dpo-continual" in words(pilot.app.screen, "#filter")
        await press(pilot, "right_square_bracket")
        assert "dpo-reset" in words(pilot.app.screen, "#filter")
        await press(pilot, "1")
        assert ledger_of(pilot, "#runs").cursor == 3


async def test_a_followed_study_is_looked_at_first(house: House) -> None:
    write_chain(house.lab, Chain("another", study="later", minutes=30))
    assert house.service is not None
    assert house.service.tail.sync()
    async with house.console(follow="later").run_test() as pilot:
        await settled(pilot)
        assert console_of(pilot).chosen is not None
        assert console_of(pilot).chosen.name == "another"  # type: ignore[union-attr]


async def test_overlay_draws_the_study_or_one_run(house: House) -> None:
    async with house.console().run_test() as pilot:
        await settled(pilot)
        chart = pilot.app.screen.query_one("#trait", ChartPane)
        assert chart.chart is not None
        assert [series.name for series in chart.chart.series][:2] == ["sft-reset", "sdf-reset"]
        await press(pilot, "o")
        assert [series.name for series in chart.chart.series] == ["sft-reset"]


async def test_run_panels_show_lineage_events_and_origins(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "j", "j", "2")
        trainings = ledger_of(pilot, "#trainings")
        assert cells(trainings, 2)[:3] == ["M2", "M_1", "M_1"]
        events = ledger_of(pilot, "#events")
        assert cells(events, events.count - 1)[1] == "the chain is complete"
        settings = ledger_of(pilot, "#settings")
        rows = [cells(settings, i) for i in range(settings.count)]
        assert ["run.trait", "bliss", "study"] in rows
        assert ["train.learning_rate", "0.001", "recipe"] in rows


async def test_ladder_moves_sides_prompts_and_draws(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "4", "v")
        assert "[base" in words(pilot.app.screen, "#rungs")
        assert "[M0" in words(pilot.app.screen, "#rungs")
        assert "{+" in words(pilot.app.screen, "#right-text")
        assert "[-" in words(pilot.app.screen, "#left-text")
        await press(pilot, "right", "l", "L")
        rungs = words(pilot.app.screen, "#rungs")
        assert "[M0" in rungs
        assert "[M2" in rungs
        before = words(pilot.app.screen, "#prompt")
        await press(pilot, "j")
        assert "prompt 2/12" in words(pilot.app.screen, "#prompt") != before
        await press(pilot, "full_stop")
        assert "draw 1 of 5" in words(pilot.app.screen, "#left-head")
        await press(pilot, *["right"] * 9)
        assert "[M6" in words(pilot.app.screen, "#rungs")


async def test_cancelling_asks_first(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "j", "j", "j", "j", "c")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await press(pilot, "n")
        assert house.commands == []
        await press(pilot, "c", "y")
        run_id = chain_spec(Chain("sft-running", status="running", seed=102, minutes=8)).run_id
        assert house.commands == [("cancel", {"run_id": run_id})]


async def test_only_what_ended_early_can_be_resumed(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "r", "c")
        assert house.commands == []
        await press(pilot, "j", "j", "j", "j", "j", "r")
        assert [name for name, _ in house.commands] == ["resume"]


async def test_help_opens_and_closes(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, "escape")
        assert "[1 Runs]" in screen_lines(pilot)[0]


async def test_empty_lab_offers_the_pocket_study(empty_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    queued = []
    monkeypatch.setattr("idemtui.console.demo.queue_demo", queued.append)
    async with empty_house.console().run_test() as pilot:
        await settled(pilot)
        assert "no runs yet" in screen_text(pilot)
        for key in ("2", "3", "4", "5", "7", "1", "d"):
            await press(pilot, key)
        assert queued == [empty_house.lab]


async def test_a_live_run_grows_on_every_screen(house: House) -> None:
    chain = Chain("live", status="running", done=-1, minutes=40)
    folder = house.lab.run(write_chain(house.lab, chain))
    whole = list(chain_events(Chain("live", minutes=40)))
    async with house.console(live=True).run_test() as pilot:
        app = console_of(pilot)
        assert house.service is not None
        house.service.tail.sync()
        await until(pilot, lambda: any(run.name == "live" for run in app.glance.runs), "the run appeared")
        known = len((folder / "events.jsonl").read_bytes().splitlines())
        append_events(folder, whole[known:])
        house.service.tail.sync()
        await until(pilot, lambda: app.glance.runs[-1].status == "finished", "the run ended")
        await settled(pilot)
        runs = ledger_of(pilot, "#runs")
        assert "6/6" in cells(runs, runs.count - 1)
